// Knowledge: the documents by space, how far each is indexed, and adding more.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { badge, emptyState, errorState, noticeProblem, show, skeleton } from "./parts.js";
import { replaceAddress } from "./router.js";
import { mayWrite } from "./session.js";
import { SHARED, spaceList, total } from "./spaces.js";
import { spaceNews } from "./summary.js";
import { uploader } from "./uploads.js";
import { bytes, exactly, t, tn, when } from "./words.js";

const PAUSE_MS = 180;
const POLL_MS = 2000;

export function knowledgePage({ query, place, side, onleave }) {
  const spaceId = query.get("space") ?? "";
  const shared = query.has("shared");
  let filter = query.get("q") ?? "";
  let items = [];
  let cursor = null;
  let timer = 0;
  let poll = 0;
  let left = false;
  onleave(() => {
    left = true;
    clearTimeout(timer);
    clearTimeout(poll);
  });

  const heading = h("h1", {}, t(shared ? "knowledge.shared" : "knowledge.all"));
  const count = h("p", { class: "quiet" });
  const list = h("div", { class: "documents" });
  const filterInput = h("input", {
    class: "field",
    type: "search",
    value: filter,
    placeholder: t("knowledge.filter"),
    maxlength: "200",
    aria: { label: t("knowledge.filter") },
  });
  const uploads = uploader({
    spaceId: () => spaceId,
    onchange: () => {
      refresh();
      drawSpaces(true);
    },
  });
  const addButton = h(
    "button",
    { class: "button primary", type: "button", onclick: () => uploads.open() },
    icon("upload", 16),
    t("knowledge.add"),
  );
  const news = h("div");
  const ofSpace = spaceId
    ? [
        h(
          "button",
          { class: "button", type: "button", onclick: () => spaceNews(news, spaceId) },
          icon("sparkle", 16),
          t("summary.news"),
        ),
        h(
          "a",
          { class: "button", href: `/?space=${encodeURIComponent(spaceId)}`, "data-link": true },
          icon("ask", 16),
          t("nav.ask"),
        ),
      ]
    : [];
  fill(
    place,
    h(
      "div",
      { class: "scroll" },
      h(
        "div",
        { class: "column wide" },
        h("header", { class: "page-head" }, h("div", { class: "grow" }, heading, count), h("div", { class: "row" }, ofSpace, addButton)),
        uploads.element,
        news,
        h("div", { class: "toolbar" }, filterInput),
        list,
      ),
    ),
  );
  if (!shared) uploads.acceptDrops(place);
  if (query.has("add")) uploads.open();

  filterInput.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      filter = filterInput.value.trim();
      const address = new URLSearchParams({
        ...(spaceId && { space: spaceId }),
        ...(shared && { shared: "" }),
        ...(filter && { q: filter }),
      }).toString();
      replaceAddress(address ? `/knowledge?${address}` : "/knowledge");
      refresh();
    }, PAUSE_MS);
  });
  drawSpaces(true);
  show(list, load, take, () => skeleton(6, "lines"));

  function load(from) {
    return call("documents", { space_id: spaceId, q: filter, cursor: from, limit: 50, ...(shared && { shared }) });
  }

  function take(page) {
    items = page.items;
    cursor = page.next_cursor;
    return draw();
  }

  async function refresh() {
    clearTimeout(poll);
    try {
      const page = await load();
      if (!left) fill(list, take(page));
    } catch (error) {
      if (!left) fill(list, errorState(error, refresh));
    }
  }

  function draw() {
    clearTimeout(poll);
    if (items.some((document) => document.index.status === "pending")) poll = setTimeout(refresh, POLL_MS);
    if (!items.length && shared && !filter)
      return emptyState("share", t("knowledge.shared.none.title"), t("knowledge.shared.none"));
    if (!items.length) {
      return filter
        ? h("p", { class: "side-empty" }, t("knowledge.nomatch", { q: filter }))
        : emptyState(
            "knowledge",
            t("knowledge.empty.title"),
            t("knowledge.empty"),
            h(
              "button",
              { class: "button primary", type: "button", onclick: () => uploads.open() },
              icon("upload", 16),
              t("knowledge.add"),
            ),
          );
    }
    return [
      h("ul", { class: "doc-list" }, items.map(row)),
      cursor && h("button", { class: "more", type: "button", onclick: more }, t("more")),
    ];
  }

  async function more() {
    try {
      const page = await load(cursor);
      items.push(...page.items);
      cursor = page.next_cursor;
      fill(list, draw());
    } catch (error) {
      noticeProblem(error);
    }
  }

  function row(document) {
    const { index } = document;
    return h(
      "li",
      {},
      h(
        "a",
        { class: "doc-row", href: `/documents/${encodeURIComponent(document.id)}`, "data-link": true },
        icon("file", 18),
        h(
          "span",
          { class: "doc-main" },
          h("span", { class: "doc-title" }, document.title),
          h(
            "span",
            { class: "quiet" },
            [!spaceId && document.space.name, document.author?.name, bytes(document.size ?? 0)]
              .filter(Boolean)
              .join(" · "),
          ),
          index.status === "failed" && h("span", { class: "doc-error" }, index.error),
        ),
        index.status === "indexed" ? null : badge(index.status),
        h(
          "time",
          { class: "quiet", datetime: document.updated_at, title: exactly(document.updated_at) },
          when(document.updated_at),
        ),
      ),
    );
  }

  async function drawSpaces(fresh) {
    const all = await spaceList(side, { current: shared ? SHARED : spaceId, fresh });
    if (left || !all) return;
    addButton.hidden = shared;
    if (shared) return;
    const current = all.find((space) => space.id === spaceId);
    heading.textContent = current?.name ?? t("knowledge.all");
    count.textContent = tn("documents", current ? current.document_count : total(all));
    addButton.hidden = current ? !mayWrite(current.id) : false;
  }
}

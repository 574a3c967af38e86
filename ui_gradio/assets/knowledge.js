// Knowledge: the documents by space, how far each is indexed, and adding more.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { newSpace } from "./newspace.js";
import { badge, emptyState, errorState, noticeProblem, show, skeleton } from "./parts.js";
import { go, replaceAddress } from "./router.js";
import { spaces, writableSpaces } from "./session.js";
import { uploader } from "./uploads.js";
import { bytes, exactly, number, t, tn, when } from "./words.js";

const PAUSE_MS = 180;
const POLL_MS = 2000;

export function knowledgePage({ query, place, side, onleave }) {
  const spaceId = query.get("space") ?? "";
  let filter = query.get("q") ?? "";
  let items = [];
  let cursor = null;
  let timer = 0;
  let poll = 0;
  let left = false;
  onleave(() => { left = true; clearTimeout(timer); clearTimeout(poll); });

  const heading = h("h1", {}, t("knowledge.all"));
  const count = h("p", { class: "quiet" });
  const list = h("div", { class: "documents" });
  const filterInput = h("input", { class: "field", type: "search", value: filter, placeholder: t("knowledge.filter"), aria: { label: t("knowledge.filter") } });
  const uploads = uploader({ spaceId: () => spaceId, onchange: () => { refresh(); drawSpaces(true); } });
  const addButton = h("button", { class: "button primary", type: "button", onclick: () => uploads.open() }, icon("upload", 16), t("knowledge.add"));
  fill(place, h("div", { class: "scroll" }, h("div", { class: "column wide" },
    h("header", { class: "page-head" }, h("div", { class: "grow" }, heading, count), addButton),
    uploads.element, h("div", { class: "toolbar" }, filterInput), list)));
  uploads.acceptDrops(place);
  if (query.has("add")) uploads.open();

  filterInput.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      filter = filterInput.value.trim();
      const address = new URLSearchParams({ ...(spaceId && { space: spaceId }), ...(filter && { q: filter }) }).toString();
      replaceAddress(address ? `/knowledge?${address}` : "/knowledge");
      refresh();
    }, PAUSE_MS);
  });
  drawSpaces(true);
  show(list, load, take, () => skeleton(6, "lines"));

  function load(from) {
    return call("documents", { space_id: spaceId, q: filter, cursor: from, limit: 50 });
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
    if (!items.length) {
      return filter ? h("p", { class: "side-empty" }, t("knowledge.nomatch", { q: filter }))
        : emptyState("knowledge", t("knowledge.empty.title"), t("knowledge.empty"),
          h("button", { class: "button primary", type: "button", onclick: () => uploads.open() }, icon("upload", 16), t("knowledge.add")));
    }
    return [h("ul", { class: "doc-list" }, items.map(row)),
      cursor && h("button", { class: "more", type: "button", onclick: more }, t("more"))];
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
    return h("li", {}, h("a", { class: "doc-row", href: `/documents/${encodeURIComponent(document.id)}`, "data-link": true },
      icon("file", 18),
      h("span", { class: "doc-main" },
        h("span", { class: "doc-title" }, document.title),
        h("span", { class: "quiet" }, [!spaceId && document.space.name, document.author?.name, bytes(document.size ?? 0)].filter(Boolean).join(" · ")),
        index.status === "failed" && h("span", { class: "doc-error" }, index.error)),
      index.status === "indexed" ? null : badge(index.status),
      h("time", { class: "quiet", datetime: document.updated_at, title: exactly(document.updated_at) }, when(document.updated_at))));
  }

  async function drawSpaces(fresh) {
    try {
      const all = await spaces(fresh);
      if (left) return;
      const total = all.reduce((sum, space) => sum + space.document_count, 0);
      const current = all.find((space) => space.id === spaceId);
      heading.textContent = current?.name ?? t("knowledge.all");
      count.textContent = tn("documents", current ? current.document_count : total);
      addButton.hidden = current ? !writableSpaces().includes(current) : false;
      const entry = (id, name, n) => h("li", { class: id === spaceId ? "current" : "" },
        h("a", { href: id ? `/knowledge?space=${encodeURIComponent(id)}` : "/knowledge", "data-link": true, aria: id === spaceId ? { current: "page" } : {} },
          h("span", { class: "clip grow" }, name), h("span", { class: "count" }, number(n))));
      fill(side, h("div", { class: "side-head" }, h("h2", {}, t("knowledge.spaces")),
        h("button", { class: "icon-button", type: "button", title: t("knowledge.newspace"), aria: { label: t("knowledge.newspace") },
          onclick: () => newSpace((space) => go(`/knowledge?space=${encodeURIComponent(space.id)}`)) }, icon("plus"))),
      h("div", { class: "side-list" }, h("ul", { class: "one-line" }, entry("", t("knowledge.all"), total), all.map((space) => entry(space.id, space.name, space.document_count)))));
    } catch (error) {
      if (!left) fill(side, errorState(error, () => drawSpaces(true)));
    }
  }
}

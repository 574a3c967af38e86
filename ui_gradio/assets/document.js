// A document: readable text, outline, details, actions; an address may point at a passage of it.
import { call } from "./bridge.js";
import { blocksOf } from "./doctext.js";
import { fill, h, icon } from "./dom.js";
import { labels } from "./labels.js";
import {
  badge,
  breadcrumb,
  confirmDelete,
  emptyState,
  errorState,
  menu,
  notice,
  noticeProblem,
  skeleton,
} from "./parts.js";
import { revealMark } from "./panel.js";
import { go } from "./router.js";
import { isMine, mayWrite, spaces } from "./session.js";
import { openShare } from "./share.js";
import { showSimilar } from "./similar.js";
import { spaceList } from "./spaces.js";
import { documentSummary } from "./summary.js";
import { bytes, exactly, number, t, when } from "./words.js";

const STRETCH = 60_000; // characters of text fetched at a time
const POLL_MS = 1500;

export function documentPage({ params, query, place, side, onleave }) {
  const version = query.get("version");
  const at = (name) => (/^\d+$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
  const passage = at("start") !== null && at("end") > at("start") ? [at("start"), at("end")] : null;
  const scroller = h("div", { class: "scroll" });
  const column = h("article", { class: "column document" });
  let left = false;
  let poll = 0;
  onleave(() => {
    left = true;
    clearTimeout(poll);
  });
  fill(place, fill(scroller, column));
  load();

  async function load() {
    fill(column, skeleton(6));
    try {
      const [document] = await Promise.all([call("document", { id: params.id }), spaces()]);
      if (!left) await draw(document);
    } catch (error) {
      if (!left) fill(column, errorState(error, error.status === 404 ? null : load));
    }
  }

  async function draw(document) {
    const body = h("div", { class: "doc-text" });
    const notes = h("div");
    const similar = h("div");
    const summary = h("div");
    fill(
      column,
      h(
        "header",
        { class: "doc-head" },
        h(
          "p",
          { class: "quiet" },
          isMine(document.space.id)
            ? h(
                "a",
                {
                  class: "plain",
                  href: `/knowledge?space=${encodeURIComponent(document.space.id)}`,
                  "data-link": true,
                },
                document.space.name,
              )
            : h("a", { class: "plain", href: "/knowledge?shared", "data-link": true }, t("knowledge.shared")),
        ),
        h(
          "div",
          { class: "row top" },
          h("h1", { class: "grow" }, document.title),
          document.index.status === "indexed" &&
            h(
              "button",
              { class: "button small", type: "button", onclick: () => documentSummary(summary, document.id) },
              icon("sparkle", 15),
              t("summary.button"),
            ),
          actions(document),
        ),
        h(
          "p",
          { class: "byline" },
          [
            document.author?.name && t("document.by", { name: document.author.name }),
            h(
              "time",
              { datetime: document.updated_at, title: exactly(document.updated_at) },
              when(document.updated_at),
            ),
            `${t("document.version")} ${version ?? document.version}`,
          ]
            .filter(Boolean)
            .map((part, n) => [n > 0 && " · ", part]),
          document.index.status !== "indexed" && [" ", badge(document.index.status)],
        ),
        labels(document),
      ),
      notes,
      summary,
      body,
      similar,
      details(document),
    );
    if (document.index.status === "failed")
      fill(notes, h("p", { class: "note bad" }, icon("alert", 16), document.index.error));
    if (document.index.status === "pending") poll = setTimeout(() => !left && refresh(document), POLL_MS);
    await drawText(document, body, notes);
    if (document.index.status === "indexed" && !left) showSimilar(similar, document.id);
  }

  /** While it is being read: look again, and draw it anew only when something has changed. */
  async function refresh(before) {
    try {
      const document = await call("document", { id: params.id });
      if (left) return;
      if (document.index.status !== before.index.status || document.version !== before.version) await draw(document);
      else poll = setTimeout(() => !left && refresh(document), POLL_MS);
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function drawText(document, body, notes) {
    let end = Math.max(STRETCH, passage ? passage[1] + 2000 : 0);
    const text = await call("document_text", { id: document.id, version, start: 0, end }).catch((error) => {
      // A document that has not been read yet has no text: that is a state, not an error.
      if (error.code === "not_read_yet") return null;
      throw error;
    });
    if (left) return;
    if (!text?.length) {
      spaceList(side, { current: document.space.id });
      if (document.index.status !== "failed") {
        fill(
          body,
          emptyState(
            "file",
            document.title,
            t(document.index.status === "pending" ? "document.reading" : "document.empty"),
          ),
        );
      }
      return;
    }
    if (text.current === false)
      fill(notes, h("p", { class: "note warn" }, icon("clock", 16), t("passage.old", { n: text.version })));
    const drawBlocks = (stretch) =>
      fill(
        body,
        withoutTitle(blocksOf(stretch, passage), document.title),
        stretch.end < stretch.length &&
          h("button", { class: "more", type: "button", onclick: more }, icon("down", 15), t("more")),
      );
    const more = async () => {
      end += STRETCH;
      try {
        drawBlocks(await call("document_text", { id: document.id, version, start: 0, end }));
      } catch (error) {
        noticeProblem(error);
      }
    };
    drawBlocks(text);
    if ((text.outline?.length ?? 0) > 1) outline(text.outline, body);
    else spaceList(side, { current: document.space.id });
    if (passage) requestAnimationFrame(() => revealMark(scroller));
  }

  /** The first heading says the title once more: the page has it above already. */
  function withoutTitle(nodes, title) {
    const first = nodes[0];
    const repeats =
      first?.matches?.("h1, h2, h3") && !first.querySelector("mark") && first.textContent.trim() === title.trim();
    return repeats ? nodes.slice(1) : nodes;
  }

  function outline(headings, body) {
    const top = Math.min(...headings.map((one) => one.level));
    const jump = (start) => (event) => {
      event.preventDefault();
      document.getElementById("nexus").classList.remove("with-side");
      const target = body.querySelector(`[data-start="${start}"]`);
      if (target)
        target.scrollIntoView({
          block: "start",
          behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
        });
      else scroller.scrollTop = 0;
    };
    fill(
      side,
      h("div", { class: "side-head" }, h("h2", {}, t("document.outline"))),
      h(
        "nav",
        { class: "side-list", aria: { label: t("document.outline") } },
        h(
          "ul",
          { class: "outline" },
          headings.map((one) =>
            h(
              "li",
              { style: `--depth: ${Math.min(one.level - top, 4)}` },
              h(
                "a",
                { href: `#${one.start}`, title: one.heading, onclick: jump(one.start) },
                h("span", { class: "clip" }, one.heading),
              ),
            ),
          ),
        ),
      ),
    );
  }

  function actions(doc) {
    const button = h(
      "button",
      { class: "icon-button", type: "button", aria: { label: t("document.actions") } },
      icon("more"),
    );
    return menu(
      button,
      () => [
        {
          label: t("document.askabout"),
          icon: "ask",
          onclick: () => go(`/?document=${encodeURIComponent(doc.id)}`),
        },
        doc.filename && {
          label: t("document.download"),
          icon: "download",
          href: `/api/v1/documents/${encodeURIComponent(doc.id)}/file`,
          download: doc.filename,
        },
        mayWrite(doc.space.id) && { label: t("share.title"), icon: "share", onclick: () => openShare(doc) },
        mayWrite(doc.space.id) && {
          label: t("document.delete"),
          icon: "trash",
          danger: true,
          onclick: () => remove(doc),
        },
      ],
      "below end",
    );
  }

  async function remove(doc) {
    if (!(await confirmDelete(`${t("document.delete")}?`, t("document.delete.body", { title: doc.title })))) return;
    try {
      await call("delete_document", { id: doc.id });
      notice(t("document.deleted", { title: doc.title }));
      go(`/knowledge?space=${encodeURIComponent(doc.space.id)}`);
    } catch (error) {
      noticeProblem(error);
    }
  }

  function details(doc) {
    const rows = [
      ["document.space", breadcrumb(doc.space)],
      ["document.file", doc.filename],
      ["document.path", doc.path],
      ["document.size", doc.size != null && bytes(doc.size)],
      ["document.created", exactly(doc.created_at)],
      ["document.updated", exactly(doc.updated_at)],
      ["document.passages", doc.index.chunk_count ? number(doc.index.chunk_count) : null],
    ];
    return h(
      "details",
      { class: "doc-details" },
      h("summary", {}, t("document.details")),
      h(
        "dl",
        {},
        rows.filter(([, value]) => value).map(([key, value]) => [h("dt", {}, t(key)), h("dd", {}, value)]),
      ),
    );
  }
}

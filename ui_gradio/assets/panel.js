// The right panel: a passage in its document, with what stands around it.
import { call } from "./bridge.js";
import { blocksOf } from "./doctext.js";
import { fill, h, icon } from "./dom.js";
import { breadcrumb, emptyState, noticeProblem, show, skeleton } from "./parts.js";
import { exactly, number, t, when } from "./words.js";

const AROUND = 1400; // characters shown before and after the passage, and more at each request

let panel = null;
let opener = null;
let step = null; // goes on to the next passage (1) or back (-1), where there are several

export function closePanel() {
  if (!panel) return;
  document.getElementById("nexus").classList.remove("with-panel");
  panel.remove();
  panel = null;
  step = null;
  opener?.isConnected && opener.focus({ preventScroll: true });
}

export const panelOpen = () => panel !== null;

/** The address of a document, at a passage of a version of it. */
export function documentUrl({ id, version }, start, end) {
  const query = new URLSearchParams();
  if (version) query.set("version", version);
  if (start !== undefined) query.set("start", start);
  if (end !== undefined) query.set("end", end);
  return `/documents/${encodeURIComponent(id)}?${query}`;
}

// The arrows turn to the next passage, unless something that is being typed in has them.
addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || !step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest?.("input, textarea, select, dialog, [role=menu]")) return;
  event.preventDefault();
  step(by);
});

/** Open a citation or a search hit: {source, space, heading, page, start, end, updated_at, verified?, highlights?}.
 *  `among`: the passages it is one of, to turn to the others. */
export function openPassage(passage, { focus = true, among = [] } = {}) {
  const { source, start, end } = passage;
  if (!panel) opener = document.activeElement;
  const turning = panel !== null;
  const at = among.indexOf(passage);
  const turns = among.length > 1 && at >= 0;
  panel?.remove();
  step = turns ? (by) => among[at + by] && openPassage(among[at + by], { among, focus: false }) : null;
  const body = h("div", { class: "panel-body doc-text", tabindex: "0" });
  const notes = h("div", { class: "panel-notes" });
  panel = h(
    "aside",
    { class: turning ? "panel turned" : "panel", aria: { label: t("passage.title") } },
    h(
      "header",
      { class: "panel-head" },
      h(
        "div",
        { class: "grow" },
        h("h2", {}, passage.marker && h("span", { class: "chip still" }, String(passage.marker)), source.title),
        h("p", { class: "quiet" }, breadcrumb(passage.space, passage.heading, passage.page, source.title)),
        h(
          "p",
          { class: "quiet", title: exactly(passage.updated_at) },
          `${t("document.version")} ${source.version} · ${when(passage.updated_at)}`,
        ),
      ),
      h(
        "button",
        { class: "icon-button", type: "button", title: t("close"), aria: { label: t("close") }, onclick: closePanel },
        icon("x"),
      ),
    ),
    notes,
    body,
    h(
      "footer",
      { class: "panel-foot" },
      turns && pager(at, among.length),
      h(
        "a",
        { class: "button grow", href: documentUrl(source, start, end), "data-link": true },
        icon("open", 16),
        t("passage.open"),
      ),
    ),
  );
  const app = document.getElementById("nexus");
  app.append(panel);
  app.classList.add("with-panel");
  if (focus) panel.querySelector("button").focus({ preventScroll: true });
  else if (turning) body.focus({ preventScroll: true });

  const words = (passage.highlights ?? []).map(([from, to]) => [start + from, start + to]);
  let reach = [Math.max(0, start - AROUND), end + AROUND];
  const load = () => call("document_text", { id: source.id, version: source.version, start: reach[0], end: reach[1] });
  const draw = (text) => {
    if (passage.verified !== undefined) {
      fill(
        notes,
        passage.verified
          ? h("p", { class: "note good" }, icon("check", 16), t("ask.verified", { n: source.version }))
          : h("p", { class: "note warn" }, icon("alert", 16), t("ask.unverified")),
      );
    } else if (text.current === false) {
      fill(notes, h("p", { class: "note warn" }, icon("clock", 16), t("passage.old", { n: text.version })));
    }
    if (!text.length) return emptyState("file", source.title, t("document.empty"));
    requestAnimationFrame(() => revealMark(body));
    const more = (side, label, name) =>
      h("button", { class: "more", type: "button", onclick: () => widen(side) }, icon(name, 15), t(label));
    return [
      text.start > 0 && more(0, "passage.before", "up"),
      blocksOf(text, [start, end], words),
      text.end < text.length && more(1, "passage.after", "down"),
    ];
  };
  const widen = async (side) => {
    reach = side === 0 ? [Math.max(0, reach[0] - 3 * AROUND), reach[1]] : [reach[0], reach[1] + 3 * AROUND];
    const height = body.scrollHeight;
    const top = body.scrollTop;
    try {
      fill(body, draw(await load()));
    } catch (error) {
      noticeProblem(error);
      return;
    }
    requestAnimationFrame(() => {
      body.scrollTop = side === 0 ? top + body.scrollHeight - height : top;
    });
  };
  return show(body, load, draw, () => skeleton(5));
}

/** "2 / 5", with a button to either side. */
function pager(at, count) {
  const to = (by, label, name) =>
    h(
      "button",
      {
        class: "icon-button",
        type: "button",
        title: label,
        aria: { label },
        disabled: !(at + by >= 0 && at + by < count),
        onclick: () => step(by),
      },
      icon(name, 17),
    );
  return h(
    "div",
    { class: "pager" },
    to(-1, t("passage.previous"), "left"),
    h("span", { class: "quiet" }, t("passage.of", { n: number(at + 1), count: number(count) })),
    to(1, t("passage.next"), "right"),
  );
}

/** Bring the marked passage into the upper half of what is seen. */
export function revealMark(container) {
  const mark = container.querySelector("mark");
  if (!mark) return;
  const offset = mark.getBoundingClientRect().top - container.getBoundingClientRect().top;
  container.scrollTop += offset - container.clientHeight / 4;
}

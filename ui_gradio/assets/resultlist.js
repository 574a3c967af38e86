// The list of results: drawn, added to, moved through with the keys, opened beside the list or as a page.
import { append, fill, h, icon } from "./dom.js";
import { explained } from "./hitexplained.js";
import { closePanel, documentUrl, openPassage, panelOpen } from "./panel.js";
import { noticeProblem, skeleton } from "./parts.js";
import { groupsOf, resultItems } from "./results.js";
import { go } from "./router.js";
import { t } from "./words.js";

const PREVIEW_MS = 90; // the preview waits while an arrow key is held down

/** `place` is for what stands under the list; `more()`, `explained(k)` and `opened(hit, position)` are those of
 *  searching.js. */
export function resultList({ place, more, explained: askWhy, opened }) {
  const element = h("ol", { class: "results", id: "results", aria: { label: t("search.results") } });
  let hits = [];
  let groups = 0;
  let chosen = -1;
  let reasons = null;
  let timer = 0;

  const rows = () => element.querySelectorAll(".passage");
  const position = (at) => Number(rows()[at].dataset.position);

  function clear() {
    clearTimeout(timer);
    hits = [];
    groups = 0;
    chosen = -1;
    reasons = null;
    fill(element);
    element.setAttribute("aria-busy", "false");
  }

  function draw(answer) {
    clear();
    add(answer);
  }

  function add(answer) {
    const found = groupsOf(answer);
    append(element, resultItems(found, groups, { onpick, onexplain }));
    groups += found.length;
    hits.push(...found.flatMap((group) => group.hits));
    reasons = null;
    fill(place, answer.next_cursor && moreButton());
  }

  function moreButton() {
    const button = h("button", { class: "more", type: "button" }, icon("down", 15), t("more"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      const next = hits.length;
      try {
        const page = await more();
        if (!page) return;
        add(page);
        if (document.activeElement === document.body) rows()[next]?.querySelector("a").focus({ preventScroll: true });
      } catch (error) {
        button.disabled = false;
        noticeProblem(error);
      }
    });
    return button;
  }

  function onpick(hit, { open = false } = {}) {
    const at = hits.indexOf(hit);
    opened(hit, position(at));
    // The link of a heading leads to the page by itself.
    if (!open) choose(at, true);
  }

  async function onexplain(hit, where) {
    fill(where, skeleton(2));
    try {
      reasons ??= askWhy(Math.max(groups, 1));
      const why = (await reasons).get(hit.chunk_id);
      fill(where, why ? explained(why) : h("p", { class: "quiet" }, t("explain.changed")));
    } catch (error) {
      reasons = null;
      fill(where);
      noticeProblem(error);
    }
  }

  function mark(at) {
    chosen = at;
    clearTimeout(timer);
    rows().forEach((row, n) => {
      row.classList.toggle("chosen", n === at);
      if (n === at) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }

  function choose(at, now = false) {
    mark(at);
    rows()[at].scrollIntoView({ block: "nearest" });
    // On a phone the panel covers the list: moving with the keys must not open it.
    if (!now && !panelOpen() && !matchMedia("(min-width: 1180px)").matches) return;
    timer = setTimeout(() => element.isConnected && openPassage(hits[at], { focus: now }), now ? 0 : PREVIEW_MS);
  }

  return {
    element,
    draw,
    clear,
    size: () => hits.length,
    chosen: () => hits[chosen] ?? null,
    /** The place of the chosen passage in the list, and choosing one without opening it; -1: none. */
    place: () => chosen,
    mark,
    unchoose: () => mark(-1),
    /** Go `step` passages on; whether there was anywhere to go. */
    move(step) {
      if (!hits.length) return false;
      choose(Math.min(Math.max(chosen + step, 0), hits.length - 1));
      return true;
    },
    openChosen() {
      const hit = hits[chosen];
      opened(hit, position(chosen));
      closePanel();
      go(documentUrl(hit.source, hit.start, hit.end));
    },
  };
}

// The search page: the box, the conditions, the results, and the way between them and the address.
import { fill, h, icon } from "./dom.js";
import { didYouMean } from "./didyoumean.js";
import { facetList } from "./facets.js";
import { learnNames, learnSpaces } from "./facetlabels.js";
import { conditions, filterChips } from "./filterchips.js";
import { choice } from "./listing.js";
import { closePanel, panelOpen } from "./panel.js";
import { errorState, notice, noticeProblem, skeleton } from "./parts.js";
import { resultList } from "./resultlist.js";
import { go, pushAddress, replaceAddress } from "./router.js";
import { keep, savedList, showNews } from "./savedsearches.js";
import { searching } from "./searching.js";
import { asksSomething, filterCount, fromAddress, requestOf, SORTS, toAddress } from "./searchstate.js";
import { nothingFound, startState } from "./searchstates.js";
import { suggestBox } from "./suggestbox.js";
import { pageOf, searchFor } from "./suggestions.js";
import { number, t, tn } from "./words.js";

const PAUSE_MS = 160;
// A Hangul syllable changes with each key until it is complete: results wait for it, suggestions know its parts.
const COMPOSING_MS = 450;
// Where a letter is a letter.
const TYPED = "input:not([type=checkbox], [type=radio]), textarea, select, .menu";

// Searches that were left for a document: who comes back soon finds them as they were.
const KEPT_MS = 300_000;
const MOST_KEPT = 8;
const left = new Map();

export function searchPage({ query, place, side, back, onleave, onaddress }) {
  let state = fromAddress(query);
  let answer = null;
  let told = null; // the kept search whose news are shown
  let typing = false; // the address stands for a search that is still being typed
  onleave(leave);

  const input = h("input", {
    class: "search-input",
    type: "search",
    value: state.q,
    placeholder: t("search.placeholder"),
    aria: { label: t("search.title") },
    autocomplete: "off",
    autocapitalize: "off",
    enterkeyhint: "search",
    spellcheck: "false",
    maxlength: "2000",
  });
  const suggestions = suggestBox(input, (one) => {
    const words = searchFor(one);
    if (words === null) return go(pageOf(one));
    change({ q: words, typing: words.endsWith(" ") });
  });
  const filterButton = h("button", { class: "button narrow-only", type: "button", onclick: toggleSide });
  const summary = h("p", { class: "quiet", role: "status" });
  const tools = h("div", { class: "row search-tools" });
  const chips = h("div");
  const note = h("div");
  const news = h("div");
  const below = h("div");
  const saved = h("div");
  const facets = h("div", { class: "filters" });
  const showButton = h("button", { class: "button primary narrow-only", type: "button", onclick: toggleSide });
  const results = resultList({
    place: below,
    more: () => search.more(),
    explained: (k) => search.explained(k),
    opened: (hit, position) => search.opened(hit, position),
  });

  const scroller = h(
    "div",
    { class: "scroll" },
    h(
      "div",
      { class: "column" },
      h("h1", { class: "sr-only" }, t("search.title")),
      h("div", { class: "search-box" }, icon("search", 20), input, filterButton, suggestions.element),
      chips,
      h("div", { class: "row between search-head" }, summary, tools),
      note,
      news,
      results.element,
      below,
    ),
  );
  fill(place, scroller);
  fill(side, saved, facets, h("div", { class: "sheet-foot" }, showButton));

  const search = searching({
    onwait() {
      if (!answer) fill(below, skeleton(4, "cards"));
      results.element.setAttribute("aria-busy", "true");
    },
    onfound: draw,
    onproblem(error) {
      clear();
      fill(below, errorState(error, run));
    },
    onlogged: (id) => {
      suggestions.fold();
      typing = false;
      replaceAddress(toAddress(state), { search: id });
    },
  });
  const drawFacets = facetList(facets, change);
  const kept = savedList(saved, () => state.saved, open);
  // An answer may be there before the names that its conditions need.
  learnSpaces().then(() => drawNothingFound(drawConditions()), noticeProblem);

  input.addEventListener("input", (event) => {
    state = { ...state, q: input.value, correct: true, saved: "" };
    remember(typing);
    typing = true;
    results.unchoose();
    suggestions.look();
    run({ delay: event.isComposing ? COMPOSING_MS : PAUSE_MS, log: false });
  });
  input.addEventListener("compositionend", () => run({ delay: PAUSE_MS, log: false }));
  place.addEventListener("keydown", keys);
  document.addEventListener("keydown", shortcuts);
  onleave(() => document.removeEventListener("keydown", shortcuts));
  onaddress((there) => {
    // Back and forward, or a link to another search: the same page in another state.
    state = fromAddress(there);
    typing = false;
    input.value = state.q;
    run();
  });
  if (!back || !restore()) {
    if (matchMedia("(min-width: 900px)").matches) input.focus();
    run();
  }

  function leave() {
    const shown = search.shown();
    search.stop();
    left.delete(toAddress(state));
    if (shown) left.set(toAddress(state), { shown, top: scroller.scrollTop, chosen: results.place(), at: Date.now() });
    if (left.size > MOST_KEPT) left.delete(left.keys().next().value);
  }

  /** Show what was shown when one left for a document; whether that is known, and not long ago. */
  function restore() {
    const before = left.get(toAddress(state));
    if (!before || Date.now() - before.at > KEPT_MS) return false;
    tellNews();
    search.restore(before.shown, history.state?.search ?? null);
    results.mark(before.chosen);
    scroller.scrollTop = before.top;
    return true;
  }

  /** Search for something else: `values` of the state. `typing`: the person goes on writing after them. */
  function change({ typing: unfinished = false, ...values }) {
    suggestions.close();
    // Another search than the one that was corrected, or kept.
    state = { ...state, ...("q" in values && { correct: true }), saved: "", ...values };
    if ("q" in values) input.value = values.q;
    remember(false);
    typing = unfinished;
    if (unfinished) input.focus();
    run({ log: !unfinished });
  }

  /** A search that is kept: without what is set by hand now. */
  function open(values) {
    state = values;
    input.value = state.q;
    remember(false);
    document.getElementById("nexus").classList.remove("with-side");
    run();
  }

  /** The address says what is searched for; a new entry for each search, none for each letter. */
  function remember(same) {
    (same ? replaceAddress : pushAddress)(toAddress(state));
  }

  function run({ delay = 0, log = true } = {}) {
    drawConditions();
    tellNews();
    if (!asksSomething(state)) return start();
    const id = history.state?.search ?? null;
    search.ask(requestOf(state), { delay, log: log && !id, id });
  }

  async function start() {
    search.stop();
    clear();
    drawFacets(state, null);
    fill(below, skeleton(4, "lines"));
    try {
      const shown = await startState(change);
      if (!asksSomething(state)) fill(below, shown);
    } catch (error) {
      if (!asksSomething(state)) fill(below, errorState(error, start));
    }
  }

  function clear() {
    answer = null;
    results.clear();
    fill(summary);
    fill(tools);
    fill(note);
    fill(below);
    fill(showButton, t("close"));
  }

  function draw(found) {
    answer = found;
    learnNames(found.facets);
    closePanel();
    results.draw(found);
    drawFacets(state, found.facets);
    const list = drawConditions();
    const count = found.total ?? results.size();
    const n = number(count);
    const words = { n, ms: number(Math.max(1, Math.round(found.took_ms?.total ?? 0))) };
    const fallback = found.mode !== state.mode && count > 0 ? ` · ${t("search.mode.fallback")}` : "";
    fill(summary, count > 0 ? tn("search.count", count, words) + fallback : "");
    fill(showButton, tn("search.show", count, { n }));
    fill(
      note,
      didYouMean(state.q.trim(), found.did_you_mean, change),
      found.by_meaning_alone && count > 0 && h("p", { class: "did-you-mean" }, t("search.bymeaningalone")),
    );
    fill(tools, toolbar(count));
    drawNothingFound(list);
  }

  function drawNothingFound(list) {
    if (answer && !results.size()) fill(below, nothingFound(state, answer, list, change));
  }

  function drawConditions() {
    const list = conditions(state, answer?.query);
    fill(chips, filterChips(list, change));
    const n = filterCount(state);
    fill(filterButton, icon("filter", 16), t("search.filters"), n > 0 && h("span", { class: "new-count" }, number(n)));
    return list;
  }

  function toolbar(count) {
    const view = h(
      "button",
      {
        class: "quiet-button",
        type: "button",
        aria: { pressed: String(state.group) },
        onclick: () => change({ group: !state.group }),
      },
      icon("list", 15),
      t("search.group"),
    );
    return [
      count > 0 && [
        view,
        choice(
          t("search.sort"),
          SORTS.map((sort) => [sort, t(`search.sort.${sort}`)]),
          state.sort,
          (sort) => change({ sort }),
        ),
      ],
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          title: t("saved.keep"),
          aria: { label: t("saved.keep") },
          onclick: save,
        },
        icon("bookmark", 18),
      ),
    ];
  }

  async function save() {
    const made = await keep(state, state.q.trim().slice(0, 200) || conditions(state, null)[0]?.label || "");
    if (!made) return;
    state = { ...state, saved: made.id };
    told = made.id;
    replaceAddress(toAddress(state), history.state);
    notice(t("saved.kept", { name: made.name }));
    kept.refresh();
  }

  /** What a kept search has found since one looked. */
  async function tellNews() {
    if (told === state.saved) return;
    told = state.saved;
    fill(news);
    const all = await kept.refresh();
    const one = all.find(({ id }) => id === state.saved);
    if (one?.new) await showNews(news, one, kept.refresh);
  }

  function toggleSide() {
    document.getElementById("nexus").classList.toggle("with-side");
  }

  function keys(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.target === input && suggestions.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && event.target === input) {
      suggestions.close();
      if (results.chosen()) results.openChosen();
      else search.commit();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && !event.target.closest("select, .menu")) {
      if (results.move(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    } else if (event.key === "Escape") {
      event.preventDefault(); // a search field would empty itself
      if (panelOpen()) return;
      if (results.chosen()) results.unchoose();
      else if (event.target === input && input.value) change({ q: "", typing: true });
    }
  }

  /** Keys that work where nothing is being typed. */
  function shortcuts(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(TYPED)) return;
    if (event.key === "/") input.select();
    else if (event.key === "j" || event.key === "k") results.move(event.key === "j" ? 1 : -1);
    else if (event.key === "Enter" && results.chosen() && !event.target.closest?.("a, button")) results.openChosen();
    else return;
    event.preventDefault();
  }
}

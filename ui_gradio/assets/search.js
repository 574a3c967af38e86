// Search: results as one types, filters beside them, a preview in the panel.
import { call } from "./bridge.js";
import { Text, fill, h, icon, marked } from "./dom.js";
import { DAYS, MODES, filters } from "./filters.js";
import { documentUrl, openPassage, panelOpen } from "./panel.js";
import { breadcrumb, emptyState, errorState, skeleton } from "./parts.js";
import { go, replaceAddress } from "./router.js";
import { exactly, number, t, tn, when } from "./words.js";

const PAUSE_MS = 160;
const PAGE_SIZE = 20;
const SNIPPET_LEAD = 80; // characters shown before the first matched word

/** What is searched for, as it stands in the address: ?q=&mode=&space=&kind=&days= */
function fromAddress(query) {
  return {
    q: query.get("q") ?? "",
    mode: MODES.includes(query.get("mode")) ? query.get("mode") : "hybrid",
    spaces: query.getAll("space"),
    kind: query.get("kind") ?? "",
    days: DAYS.includes(query.get("days")) ? query.get("days") : "",
  };
}

function toAddress({ q, mode, spaces: chosen, kind, days }) {
  const query = new URLSearchParams();
  if (q) query.set("q", q);
  if (mode !== "hybrid") query.set("mode", mode);
  for (const id of chosen) query.append("space", id);
  if (kind) query.set("kind", kind);
  if (days) query.set("days", days);
  const text = query.toString();
  return text ? `/search?${text}` : "/search";
}

export function searchPage({ query, place, side, onleave }) {
  const state = fromAddress(query);
  let size = PAGE_SIZE;
  let ticket = 0;
  let timer = 0;
  let chosen = -1;
  let hits = [];
  onleave(() => {
    ticket = -1;
    clearTimeout(timer);
  });

  const input = h("input", {
    class: "search-input",
    type: "search",
    value: state.q,
    placeholder: t("search.placeholder"),
    aria: { label: t("search.title"), controls: "results" },
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "2000",
  });
  const summary = h("p", { class: "quiet", role: "status" });
  const results = h("ol", { class: "results", id: "results" });
  const below = h("div");
  const filterButton = h(
    "button",
    {
      class: "button narrow-only",
      type: "button",
      onclick: () => document.getElementById("nexus").classList.toggle("with-side"),
    },
    icon("filter", 16),
    t("search.filters"),
  );
  fill(
    place,
    h(
      "div",
      { class: "scroll" },
      h(
        "div",
        { class: "column" },
        h("h1", { class: "sr-only" }, t("search.title")),
        h("div", { class: "search-box" }, icon("search", 20), input, filterButton),
        h("div", { class: "row between" }, summary, h("span", { class: "quiet wide-only keys" })),
        results,
        below,
      ),
    ),
  );

  const changed = (delay = 0) => {
    size = PAGE_SIZE;
    replaceAddress(toAddress(state));
    clearTimeout(timer);
    timer = setTimeout(run, delay);
  };
  input.addEventListener("input", () => {
    state.q = input.value.trim();
    changed(PAUSE_MS);
  });
  place.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length && !event.isComposing) {
      event.preventDefault();
      choose(Math.min(Math.max(chosen + step, 0), hits.length - 1));
    } else if (event.key === "Enter" && event.target === input && chosen >= 0) {
      go(documentUrl(hits[chosen].source, hits[chosen].start, hits[chosen].end));
    }
  });
  const drawFilters = filters(side, state, changed);
  if (matchMedia("(min-width: 900px)").matches) input.focus();
  run();

  async function run() {
    const mine = ++ticket;
    chosen = -1;
    if (!state.q) {
      hits = [];
      fill(results);
      fill(summary);
      fill(below, emptyState("search", t("search.empty.title"), t("search.empty")));
      return;
    }
    if (!hits.length) fill(below, skeleton(4, "cards"));
    results.setAttribute("aria-busy", "true");
    try {
      const found = await call("search", request());
      if (mine !== ticket) return;
      draw(found);
    } catch (error) {
      if (mine !== ticket) return;
      hits = [];
      fill(results);
      fill(summary);
      fill(below, errorState(error, run));
    } finally {
      if (mine === ticket) results.setAttribute("aria-busy", "false");
    }
  }

  function request() {
    const conditions = {};
    if (state.spaces.length) conditions.space_ids = state.spaces;
    if (state.kind) conditions.kinds = [state.kind];
    if (state.days) conditions.updated_after = new Date(Date.now() - state.days * 864e5).toISOString();
    return { query: state.q, k: size, mode: state.mode, filters: conditions };
  }

  function draw(found) {
    hits = found.hits;
    drawFilters(found);
    fill(
      results,
      hits.map((hit, at) =>
        h(
          "li",
          { class: "result", data: { at } },
          h(
            "a",
            {
              class: "result-link",
              href: documentUrl(hit.source, hit.start, hit.end),
              onclick: (event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
                event.preventDefault();
                choose(at, true);
              },
            },
            h("span", { class: "result-title" }, icon("file", 16), h("span", { class: "clip" }, hit.source.title)),
            h("span", { class: "result-crumbs" }, breadcrumb(hit.space, hit.heading, hit.page, hit.source.title)),
            h("span", { class: "result-text" }, snippet(hit)),
            h("span", { class: "quiet" }, [hit.author, when(hit.updated_at)].filter(Boolean).join(" · ")),
          ),
        ),
      ),
    );
    results.querySelectorAll(".result-link").forEach((link, at) => {
      link.title = exactly(hits[at].updated_at);
    });
    const fallback = found.mode !== state.mode ? ` · ${t("search.mode.fallback")}` : "";
    fill(
      summary,
      hits.length
        ? tn("search.count", hits.length, { ms: number(Math.round(found.took_ms?.total ?? 0)) }) + fallback
        : "",
    );
    fill(place.querySelector(".keys"), hits.length ? t("search.keys") : "");
    const filtered = state.spaces.length || state.kind || state.days;
    if (!hits.length) {
      fill(
        below,
        emptyState(
          "search",
          t("search.none.title", { q: short(state.q) }),
          t("search.none"),
          filtered ? h("button", { class: "button", type: "button", onclick: clear }, t("search.clear")) : null,
          h(
            "a",
            { class: "button", href: `/?q=${encodeURIComponent(state.q)}`, "data-link": true },
            icon("ask", 16),
            t("search.askit", { q: short(state.q) }),
          ),
        ),
      );
    } else {
      fill(
        below,
        hits.length >= size &&
          size < 100 &&
          h(
            "button",
            {
              class: "more",
              type: "button",
              onclick: () => {
                size += PAGE_SIZE;
                run();
              },
            },
            t("more"),
          ),
      );
    }
  }

  function clear() {
    Object.assign(state, { spaces: [], kind: "", days: "" });
    drawFilters();
    changed();
  }

  function choose(at, focus = false) {
    chosen = at;
    for (const one of results.children) one.classList.toggle("chosen", Number(one.dataset.at) === at);
    results.children[at].scrollIntoView({ block: "nearest" });
    // On a phone the panel covers the list: moving with the keys must not open it.
    if (focus || panelOpen() || matchMedia("(min-width: 1180px)").matches) openPassage(hits[at], { focus });
  }
}

/** The hit's text with the matched words marked, from a little before the first of them. */
function snippet({ text, highlights = [] }) {
  const first = Math.min(...highlights.map(([start]) => start));
  if (!highlights.length || first < SNIPPET_LEAD * 2) return marked(text, highlights);
  const whole = new Text(text);
  const before = whole.slice(first - SNIPPET_LEAD, first);
  const cut = first - SNIPPET_LEAD + Math.max(new Text(before.slice(0, before.search(/\s\S/) + 1)).length, 0);
  return [
    "… ",
    ...marked(
      whole.slice(cut),
      highlights.map(([start, end]) => [start - cut, end - cut]),
    ),
  ];
}

const short = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

// What the search page shows when there are no results: before anything is typed, and when nothing was found.
import { h, icon } from "./dom.js";
import { learnSpaces } from "./facetlabels.js";
import { emptyState } from "./parts.js";
import { term, withoutQuotes } from "./querylanguage.js";
import { filterCount, noFilters } from "./searchstate.js";
import { suggest } from "./suggestions.js";
import { number, t, tn } from "./words.js";

const RECENT = 6;
const SPACES = 12;
const EXAMPLES = ['"…"', "-…", "in:…", "by:me", "tag:…", "after:2026-11"];

/** What was searched for lately and what there is to find. `change(values)` sets the search. */
export async function startState(change) {
  const [recent, spaces] = await Promise.all([suggest("", RECENT), learnSpaces()]);
  const queries = recent.filter((one) => one.kind === "query").slice(0, RECENT);
  const filled = spaces.filter((space) => space.document_count > 0);
  const part = (label, ...content) => h("section", {}, h("h2", { class: "label" }, label), content);
  return h(
    "div",
    { class: "search-start" },
    h("header", {}, h("h2", {}, t("search.empty.title")), h("p", { class: "quiet" }, t("search.empty"))),
    queries.length > 0 &&
      part(
        t("search.recent"),
        h(
          "ul",
          { class: "recent" },
          queries.map(({ text }) =>
            h(
              "li",
              {},
              h(
                "button",
                { type: "button", onclick: () => change({ q: text }) },
                icon("clock", 16),
                h("span", { class: "clip" }, text),
              ),
            ),
          ),
        ),
      ),
    filled.length > 0 &&
      part(
        t("search.where", { n: number(filled.reduce((sum, space) => sum + space.document_count, 0)) }),
        h(
          "div",
          { class: "tags" },
          filled.slice(0, SPACES).map((space) =>
            h(
              "button",
              {
                class: "tag",
                type: "button",
                onclick: () => change({ q: `${term("in", space.name)} `, typing: true }),
              },
              icon("space", 15),
              h("span", { class: "clip" }, space.name),
              h("span", { class: "count" }, number(space.document_count)),
            ),
          ),
        ),
      ),
    part(
      t("search.language"),
      h(
        "dl",
        { class: "language" },
        EXAMPLES.map((example, at) => [
          h("dt", {}, h("code", {}, example)),
          h("dd", { class: "quiet" }, t(`search.language.${at + 1}`)),
        ]),
      ),
    ),
  );
}

/** Nothing was found for `state`: ways that lead on. `list` are its conditions. */
export function nothingFound(state, answer, list, change) {
  const way = (label, values, name = "x") =>
    h("button", { class: "button", type: "button", onclick: () => change(values) }, icon(name, 16), label);
  const ways = list
    .filter((one) => one.field !== "mode" && !one.problem)
    .slice(0, 4)
    .map((one) => {
      const others = one.alone ? found(answer.facets?.[one.field]) : 0;
      const label = one.without ?? t("search.without", { filter: one.label });
      return way(others ? `${label} (${tn("search.n", others)})` : label, one.change);
    });
  if (filterCount(state) > 1) ways.push(way(t("search.clear"), noFilters()));
  if (state.mode !== "hybrid") ways.push(way(t("search.widen"), { mode: "hybrid" }, "search"));
  else if (answer.mode === "keyword") ways.push(way(t("search.bymeaning"), { mode: "semantic" }, "search"));
  if (answer.query?.phrases?.length) ways.push(way(t("search.unquote"), { q: withoutQuotes(state.q) }));
  const q = state.q.trim();
  const words = answer.query?.text || q;
  const short = words.length > 60 ? `${words.slice(0, 60)}…` : words;
  return emptyState(
    "search",
    q ? t("search.none.title", { q: short }) : t("search.none.filters"),
    t(list.length ? "search.none.filtered" : "search.none"),
    ...ways,
    q &&
      h(
        "a",
        { class: "button primary", href: `/?q=${encodeURIComponent(q)}`, "data-link": true },
        icon("ask", 16),
        t("search.askit"),
      ),
  );
}

// Each facet counts what would be found without its own filter.
const found = (values) => (values ?? []).reduce((sum, one) => sum + one.count, 0);

// The conditions of a search as chips that can be taken away: those set beside the results, and those typed.
import { h, icon } from "./dom.js";
import { facetLabel } from "./facetlabels.js";
import { withoutTerm } from "./querylanguage.js";
import { LISTS } from "./searchstate.js";
import { has, t } from "./words.js";

/** The conditions of `state`, and of `typed` (the answer's query, null before it is there), each with the change of
 *  the state that takes it away: [{label, field, change, problem}]; `without` says what that does, where it is not
 *  plain from the label. */
export function conditions(state, typed) {
  const set = LISTS.flatMap(([name]) =>
    state[name].map((value) => ({
      label: `${t(`search.facet.${name}`)}: ${facetLabel(name, value)}`,
      field: name,
      alone: state[name].length === 1,
      change: { [name]: state[name].filter((other) => other !== value) },
    })),
  );
  if (state.when)
    set.push({ label: facetLabel("when", state.when), field: "months", alone: true, change: { when: "" } });
  if (state.mode !== "hybrid")
    set.push({ label: facetLabel("mode", state.mode), field: "mode", change: { mode: "hybrid" } });
  const written = (typed?.filters ?? []).map((one) => ({
    label: `${one.negated ? "−" : ""}${t(`search.field.${one.field}`)}: ${one.value}`,
    field: one.field,
    change: { q: withoutTerm(state.q, one) },
    problem: one.applied ? null : problemOf(one),
  }));
  const excluded = (typed?.excluded ?? []).map((value) => ({
    label: `${t("search.field.not")}: ${/\s/.test(value) ? `“${value}”` : value}`,
    without: t("search.also", { value }),
    field: "not",
    change: { q: withoutTerm(state.q, { value, negated: true }) },
  }));
  return [...set, ...written, ...excluded];
}

// The server says what is wrong in English; what can be wrong with a field is always the same, so it is said here in
// the reader's language.
const problemOf = ({ field, value, problem }) =>
  has(`search.problem.${field}`) ? t(`search.problem.${field}`, { value }) : problem;

/** Chips for `list`; `change(values)` is called with the change that takes one away. */
export function filterChips(list, change) {
  if (!list.length) return null;
  const problems = [...new Set(list.map((one) => one.problem).filter(Boolean))];
  return h(
    "div",
    { class: "search-conditions" },
    h(
      "ul",
      { class: "tags", aria: { label: t("search.filters") } },
      list.map((one) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              class: one.problem ? "tag small warn" : "tag small",
              type: "button",
              title: one.problem || null,
              aria: { label: t("search.drop", { filter: one.label }) },
              onclick: () => change(one.change),
            },
            one.problem && icon("alert", 14),
            h("span", { class: "clip" }, one.label),
            icon("x", 14),
          ),
        ),
      ),
    ),
    problems.map((problem) => h("p", { class: "condition-problem" }, problem)),
  );
}

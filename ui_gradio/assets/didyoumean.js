// A better spelling: searched in place of what was typed, or offered.
import { h } from "./dom.js";
import { t } from "./words.js";

/** `better` is the API's did_you_mean; `change(values)` searches for something else. */
export function didYouMean(typed, better, change) {
  if (!better) return null;
  const again = (words, values) => h("button", { class: "link", type: "button", onclick: () => change(values) }, words);
  if (!better.applied)
    return h("p", { class: "did-you-mean" }, t("search.mean"), " ", again(better.query, { q: better.query }));
  return h(
    "p",
    { class: "did-you-mean" },
    t("search.corrected"),
    " ",
    h("b", {}, better.query),
    ". ",
    again(t("search.exact", { q: typed }), { correct: false }),
  );
}

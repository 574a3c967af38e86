// The filters beside the results of a search.
import { fill, h } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { spaces } from "./session.js";
import { has, number, t } from "./words.js";

export const MODES = ["hybrid", "semantic", "keyword"];
export const DAYS = ["7", "30", "365"];

/** Draw the filters of `state` into `side`; `changed()` is called when one is set. Gives a function that draws them
 *  again, with the kinds that a result knows. */
export function filters(side, state, changed) {
  let all = [];
  let kinds = [];
  const place = h("div", { class: "filters" });
  fill(side, h("div", { class: "side-head" }, h("h2", {}, t("search.filters"))), place);
  const radios = (name, label, options, current, pick) =>
    h(
      "fieldset",
      {},
      h("legend", {}, label),
      options.map(([value, words]) =>
        h(
          "label",
          { class: "option" },
          h("input", {
            type: "radio",
            name,
            value,
            checked: value === current,
            onchange: () => {
              pick(value);
              changed();
            },
          }),
          h("span", {}, words),
        ),
      ),
    );
  const draw = (found) => {
    const facet = Object.keys(found?.facets?.kinds ?? found?.facets?.kind ?? {});
    kinds = [...new Set([...kinds, ...facet, ...(found?.hits ?? []).map((hit) => hit.source.kind)])];
    fill(
      place,
      radios(
        "mode",
        t("search.mode"),
        MODES.map((mode) => [mode, t(`search.mode.${mode}`)]),
        state.mode,
        (value) => {
          state.mode = value;
        },
      ),
      all.length > 0 &&
        h(
          "fieldset",
          {},
          h("legend", {}, t("search.where")),
          all.map((space) =>
            h(
              "label",
              { class: "option" },
              h("input", {
                type: "checkbox",
                value: space.id,
                checked: state.spaces.includes(space.id),
                onchange: (event) => {
                  state.spaces = event.target.checked
                    ? [...state.spaces, space.id]
                    : state.spaces.filter((id) => id !== space.id);
                  changed();
                },
              }),
              h("span", { class: "grow clip" }, space.name),
              h("span", { class: "count" }, number(space.document_count)),
            ),
          ),
        ),
      (kinds.length > 1 || state.kind) &&
        radios(
          "kind",
          t("search.kind"),
          ["", ...kinds].map((kind) => [kind, kindWords(kind)]),
          state.kind,
          (value) => {
            state.kind = value;
          },
        ),
      radios(
        "days",
        t("search.when"),
        ["", ...DAYS].map((days) => [days, t(`search.when.${days || "any"}`)]),
        state.days,
        (value) => {
          state.days = value;
        },
      ),
    );
  };
  draw();
  spaces().then((list) => {
    all = list;
    draw();
  }, noticeProblem);
  return draw;
}

function kindWords(kind) {
  if (!kind) return t("search.kind.all");
  return has(`search.kind.${kind}`) ? t(`search.kind.${kind}`) : kind;
}

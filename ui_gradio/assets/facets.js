// The facets beside the results: each value with the number of documents that it would show.
import { fill, h } from "./dom.js";
import { facetLabel } from "./facetlabels.js";
import { DAYS, LISTS, MODES } from "./searchstate.js";
import { number, t } from "./words.js";

const FEW = 6; // values shown before "more"

/** Draw into `place` the facets of an answer (null: none yet). `change(values)` sets filters. Gives a function
 *  that draws: draw(state, facets). */
export function facetList(place, change) {
  const unfolded = new Set();
  let last = [];

  function draw(state, facets) {
    last = [state, facets];
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    const scroller = place.parentElement;
    const top = scroller?.scrollTop ?? 0;
    fill(
      place,
      modes(state),
      LISTS.map(([name]) => list(name, state, facets)),
      period(state, facets),
    );
    if (scroller) scroller.scrollTop = top;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  const counted = (count) => (count === null ? null : number(count));
  const group = (name, ...content) => h("fieldset", {}, h("legend", {}, t(`search.facet.${name}`)), content);

  function option(type, name, value, label, checked, count, onchange) {
    return h(
      "label",
      { class: "option" },
      h("input", { type, name, value, checked, id: `facet-${name}-${value}`, onchange }),
      h("span", { class: "grow clip", title: label }, label),
      count !== null && h("span", { class: "count" }, count),
    );
  }

  function modes(state) {
    return group(
      "mode",
      MODES.map((mode) =>
        option("radio", "mode", mode, t(`search.mode.${mode}`), mode === state.mode, null, () => change({ mode })),
      ),
    );
  }

  function list(name, state, facets) {
    const found = facets?.[name] ?? [];
    // A chosen value stays where it can be taken back, although nothing has it any more.
    const missing = state[name].filter((value) => !found.some((one) => String(one.value) === value));
    const all = [...found, ...missing.map((value) => ({ value, count: facets ? 0 : null }))];
    if (!all.length) return null;
    const open = unfolded.has(name);
    const shown = open ? all : all.filter((one, at) => at < FEW || state[name].includes(String(one.value)));
    return group(
      name,
      shown.map((one) => {
        const value = String(one.value);
        const checked = state[name].includes(value);
        return option("checkbox", name, value, facetLabel(name, value), checked, counted(one.count), (event) =>
          change({
            [name]: event.target.checked ? [...state[name], value] : state[name].filter((other) => other !== value),
          }),
        );
      }),
      (open || shown.length < all.length) &&
        h(
          "button",
          {
            class: "quiet-button",
            type: "button",
            id: `facet-${name}-more`,
            aria: { expanded: String(open) },
            onclick: () => {
              open ? unfolded.delete(name) : unfolded.add(name);
              draw(...last);
            },
          },
          open ? t("search.facet.fewer") : t("search.facet.more", { n: number(all.length - shown.length) }),
        ),
    );
  }

  function period(state, facets) {
    const months = (facets?.months ?? []).slice(0, unfolded.has("when") ? 120 : FEW);
    const values = [...DAYS.map((days) => [days, null]), ...months.map((one) => [one.value, one.count])];
    if (state.when && !values.some(([value]) => value === state.when)) values.push([state.when, facets ? 0 : null]);
    const pick = (value) => () => change({ when: value });
    return group(
      "when",
      option("radio", "when", "", t("search.when.any"), !state.when, null, pick("")),
      values.map(([value, count]) =>
        option(
          "radio",
          "when",
          value,
          facetLabel("when", value),
          state.when === value,
          counted(count),
          pick(value),
        ),
      ),
      (facets?.months?.length ?? 0) > FEW &&
        !unfolded.has("when") &&
        h(
          "button",
          {
            class: "quiet-button",
            type: "button",
            id: "facet-when-more",
            onclick: () => {
              unfolded.add("when");
              draw(...last);
            },
          },
          t("search.facet.more", { n: number(facets.months.length - FEW) }),
        ),
    );
  }

  return draw;
}

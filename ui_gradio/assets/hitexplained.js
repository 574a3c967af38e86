// Why a hit stands where it stands: what each way of searching said of it, and what moved it since.
import { h } from "./dom.js";
import { decimal, has, number, t } from "./words.js";

/** A small table for an `explain` of the API: {legs, fused, steps, final}. */
export function explained({ legs = {}, fused, steps = [], final } = {}) {
  const line = (label, value, says) =>
    h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "figure-cell" }, value), h("td", {}, says));
  const signed = (change) => `${change > 0 ? "+" : change < 0 ? "−" : ""}${decimal(Math.abs(change))}`;
  return h(
    "table",
    { class: "explained" },
    h("caption", {}, t("search.why")),
    h(
      "tbody",
      {},
      ["keyword", "semantic"].map((name) => {
        const leg = legs[name];
        return leg
          ? line(
              t(`explain.${name}`),
              decimal(leg.score),
              [
                leg.rank != null && t("explain.rank", { n: number(leg.rank) }),
                leg.weight != null && t("explain.weight", { w: decimal(leg.weight) }),
              ]
                .filter(Boolean)
                .join(" · "),
            )
          : line(t(`explain.${name}`), "–", t("explain.missed"));
      }),
      fused != null && line(t("explain.fused"), decimal(fused), ""),
      steps.map((step) =>
        line(
          has(`explain.step.${step.name}`) ? t(`explain.step.${step.name}`) : step.name,
          signed(step.change),
          has(`explain.says.${step.name}`) ? t(`explain.says.${step.name}`) : step.says,
        ),
      ),
      final != null && line(t("explain.final"), decimal(final), ""),
    ),
  );
}

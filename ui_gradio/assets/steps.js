// What the assistant did to find an answer: shown as it happens, folded away afterwards.
import { fill, h, icon } from "./dom.js";
import { t } from "./words.js";

/** Draw the steps of a frame into the <details> `place`. */
export function drawSteps(place, frame) {
  const steps = frame.steps ?? [];
  place.hidden = frame.done && steps.length === 0;
  if (place.hidden) return;
  fill(
    place,
    h("summary", {}, frame.done ? finished(steps) : underWay(steps.at(-1))),
    h(
      "ol",
      {},
      steps.map((step) =>
        h(
          "li",
          { class: step.state },
          step.state === "done" || frame.done ? icon("check", 14) : h("span", { class: "spinner small" }),
          h("span", {}, step.label),
          h("span", { class: "quiet" }, step.detail ?? ""),
        ),
      ),
    ),
  );
}

function finished(steps) {
  const details = steps.map((step) => step.detail).filter(Boolean);
  return [
    icon("check", 15),
    h("span", {}, t("ask.steps")),
    h("span", { class: "quiet" }, details.join(" · ")),
    icon("down", 14),
  ];
}

function underWay(step) {
  return [
    h("span", { class: "spinner" }),
    h("span", {}, step?.label ?? t("ask.working")),
    h("span", { class: "quiet" }, step?.detail ?? ""),
  ];
}

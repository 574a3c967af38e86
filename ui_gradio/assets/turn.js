// One question and its answer in a conversation.
import { underAnswer } from "./answer.js";
import { chip } from "./citations.js";
import { fill, h, icon } from "./dom.js";
import { errorState } from "./parts.js";
import { prose } from "./prose.js";
import { scopeLine } from "./scope.js";
import { drawSteps } from "./steps.js";
import { t, tn } from "./words.js";

/** A turn. `doing`: {mine, later(), again(question), ask(question)}: whether it is the reader's own, how many
 *  questions came after it, asking it (anew, or in other words) in its place, and asking another one.
 *  Gives {element, draw(frame), edit()}; a frame is one of the stream, or {answer} of an old message. */
export function turn(question, doing, scope = null) {
  const head = h("div", { class: "question-head" });
  const steps = h("details", { class: "steps", hidden: true });
  const body = h("div", { class: "answer-text", aria: { live: "polite", busy: "true" } });
  const rest = h("div", { class: "answer-rest" });
  const element = h("article", { class: "turn" }, head, scopeLine(scope), steps, body, rest);
  let drawn = null;
  const again = () => doing.again(question);
  show();

  function show() {
    const label = t("ask.edit");
    fill(
      head,
      h("h2", { class: "question" }, question),
      doing.mine &&
        h(
          "button",
          { class: "icon-button small edit", type: "button", title: label, aria: { label }, onclick: edit },
          icon("edit", 16),
        ),
    );
  }

  function edit() {
    const after = doing.later();
    const input = h("textarea", { class: "field", rows: "2", maxlength: "4000", aria: { label: t("ask.edit") } });
    input.value = question;
    const close = () => {
      show();
      head.querySelector("button")?.focus();
    };
    fill(
      head,
      h(
        "form",
        {
          class: "edit-question",
          onkeydown: (event) => {
            if (event.key === "Escape") {
              event.stopPropagation();
              close();
            } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              event.currentTarget.requestSubmit();
            }
          },
          onsubmit: (event) => {
            event.preventDefault();
            const changed = input.value.trim();
            if (changed) doing.again(changed);
          },
        },
        input,
        after > 0 && h("p", { class: "quiet" }, tn("ask.edit.drops", after)),
        h(
          "div",
          { class: "row" },
          h("button", { class: "button small primary", type: "submit" }, t("ask.send")),
          h("button", { class: "button small", type: "button", onclick: close }, t("cancel")),
        ),
      ),
    );
    input.focus();
    input.setSelectionRange(question.length, question.length);
  }

  function draw(frame) {
    const answer = frame.answer;
    drawSteps(steps, frame);
    const text = answer?.answer ?? frame.text ?? "";
    if (answer?.abstained) fill(body, abstained());
    else if (text !== drawn || answer)
      fill(
        body,
        prose(text, (n) => chip(n, answer?.citations ?? []), answer?.unsupported),
      );
    drawn = text;
    body.classList.toggle("growing", !frame.done && text !== "");
    if (!frame.done) return;
    body.setAttribute("aria-busy", "false");
    if (frame.problem)
      fill(
        rest,
        errorState({ status: frame.problem.status, code: frame.problem.code, document: frame.problem }, again),
      );
    else if (frame.stopped) fill(rest, stopped());
    else if (answer) fill(rest, answer.stopped && stopped(), underAnswer(answer, { ...doing, retry: again }));
  }

  function stopped() {
    return h(
      "p",
      { class: "quiet row" },
      t("ask.stopped"),
      doing.mine && h("button", { class: "link", type: "button", onclick: again }, t("ask.again")),
    );
  }

  return { element, draw, edit };
}

function abstained() {
  return [h("p", { class: "abstained" }, t("ask.abstained")), h("p", { class: "quiet" }, t("ask.abstained.body"))];
}

// What the asker says about an answer: a thumb, and for a bad one why.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { notice, noticeProblem } from "./parts.js";
import { t } from "./words.js";

const REASONS = ["wrong", "incomplete", "outdated", "beside_the_point", "other"];

/** The thumbs for an answer, and the place where one says why: {buttons, form}. `given` is what was said before. */
export function feedback(messageId, given) {
  let now = given ?? null; // {helpful, reason, comment}
  const why = h("div", { class: "feedback", hidden: true });
  const thumb = (helpful) =>
    h(
      "button",
      {
        class: "icon-button small",
        type: "button",
        title: t(helpful ? "feedback.up" : "feedback.down"),
        aria: { label: t(helpful ? "feedback.up" : "feedback.down") },
        onclick: () => press(helpful),
      },
      icon(helpful ? "up_thumb" : "down_thumb", 16),
    );
  const up = thumb(true);
  const down = thumb(false);
  draw();

  function draw() {
    up.setAttribute("aria-pressed", String(now?.helpful === true));
    down.setAttribute("aria-pressed", String(now?.helpful === false));
  }

  /** Give a thumb, or take it back when it is pressed again. */
  async function press(helpful) {
    const before = now;
    const taken = now?.helpful === helpful;
    now = taken ? null : { helpful, reason: null, comment: "" };
    draw();
    try {
      if (taken) await call("delete_feedback", { message_id: messageId });
      else await call("set_feedback", { message_id: messageId, ...now });
    } catch (error) {
      now = before;
      draw();
      noticeProblem(error);
      return;
    }
    if (now?.helpful === false) ask();
    else {
      why.hidden = true;
      if (now) notice(t("feedback.thanks"));
    }
  }

  function ask() {
    let reason = now.reason;
    const chips = REASONS.map((one) =>
      h(
        "button",
        {
          class: "tag small",
          type: "button",
          aria: { pressed: "false" },
          onclick: () => {
            reason = reason === one ? null : one;
            chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(REASONS[at] === reason)));
          },
        },
        t(`feedback.reason.${one}`),
      ),
    );
    const comment = h("textarea", {
      class: "field",
      rows: "2",
      maxlength: "2000",
      placeholder: t("feedback.comment"),
      aria: { label: t("feedback.comment") },
    });
    const close = () => {
      why.hidden = true;
      down.focus();
    };
    why.hidden = false;
    fill(
      why,
      h(
        "form",
        {
          class: "card",
          aria: { label: t("feedback.why") },
          onkeydown: (event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            close();
          },
          onsubmit: async (event) => {
            event.preventDefault();
            const said = { helpful: false, reason, comment: comment.value.trim() };
            try {
              await call("set_feedback", { message_id: messageId, ...said });
              now = said;
              close();
              notice(t("feedback.thanks"));
            } catch (error) {
              noticeProblem(error);
            }
          },
        },
        h("p", { class: "card-title" }, t("feedback.why")),
        h("div", { class: "tags" }, chips),
        comment,
        h("p", { class: "quiet" }, t("feedback.seen")),
        h(
          "div",
          { class: "row" },
          h("button", { class: "button small primary", type: "submit" }, t("feedback.send")),
          h("button", { class: "button small", type: "button", onclick: close }, t("cancel")),
        ),
      ),
    );
    why.scrollIntoView({ block: "nearest" });
    chips[0].focus({ preventScroll: true });
  }

  return { buttons: [up, down], form: why };
}

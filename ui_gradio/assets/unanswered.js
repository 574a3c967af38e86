// Where nothing answers: who could be asked, and giving the question to those who look after the knowledge.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { t, tn } from "./words.js";

/** The people who know most about the question's surroundings: [{user_id, name, documents}]. */
export function experts(people) {
  if (!people?.length) return null;
  return h(
    "section",
    { class: "experts", aria: { label: t("ask.experts") } },
    h("h3", {}, t("ask.experts")),
    h(
      "ul",
      {},
      people.map((one) => {
        const count = Array.isArray(one.documents) ? one.documents.length : one.documents;
        return h(
          "li",
          { class: "expert" },
          avatar(one, 28),
          h(
            "span",
            { class: "grow" },
            h("span", { class: "expert-name" }, one.name),
            count > 0 && h("span", { class: "quiet" }, tn("ask.expert.documents", count)),
          ),
        );
      }),
    ),
  );
}

/** The button that files an unanswered question as a gap. */
export function gapButton(messageId) {
  const place = h("div", { class: "gap" });
  const file = async (event) => {
    event.currentTarget.disabled = true;
    try {
      await call("file_gap", { message_id: messageId });
      fill(place, h("p", { class: "note good" }, icon("check", 16), t("ask.gap.filed")));
    } catch (error) {
      draw();
      noticeProblem(error);
    }
  };
  const draw = () =>
    fill(
      place,
      h("button", { class: "button", type: "button", onclick: file }, icon("flag", 16), t("ask.gap")),
      h("span", { class: "quiet" }, t("ask.gap.about")),
    );
  draw();
  return place;
}

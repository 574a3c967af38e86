// Where nothing answers: who could be asked, and giving the question to those who look after the knowledge.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { number, t } from "./words.js";

/** Those who have written most about it: [{user_id, name, documents: [{id, title, url}]}]. */
export function experts(people) {
  if (!people?.length) return null;
  return h(
    "section",
    { class: "experts", aria: { label: t("ask.experts") } },
    h("h3", {}, t("ask.experts")),
    h(
      "ul",
      {},
      people.map((one) =>
        h(
          "li",
          { class: "expert" },
          avatar(one, 28),
          h("span", { class: "grow" }, h("span", { class: "expert-name" }, one.name), written(one.documents ?? [])),
        ),
      ),
    ),
  );
}

/** What shows that they may know. */
function written([first, ...others]) {
  if (!first) return null;
  return h(
    "span",
    { class: "quiet" },
    h("a", { href: `/documents/${encodeURIComponent(first.id)}`, "data-link": true }, first.title),
    others.length > 0 && ` ${t("ask.expert.others", { n: number(others.length) })}`,
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

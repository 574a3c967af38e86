// Where nothing answers: asking somebody who may know, and giving the question to those who look after the knowledge.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { number, t } from "./words.js";

const LOOKS = { open: "good", closed: "good", declined: "quiet" };

/** Those who have written most about it ([{user_id, name, documents: [{id, title, url}], asked}]), and the button that
 *  files the question. `mine`: the reader asked it, and may do both; to ask somebody is to file it as well. */
export function whomToAsk({ message_id: messageId, experts }, mine) {
  const gap = mine && messageId ? gapButton(messageId) : null;
  return [people(experts, gap && { messageId, filed: gap.filed }), gap?.element];
}

function people(experts, asking) {
  if (!experts?.length) return null;
  return h(
    "section",
    { class: "experts", aria: { label: t("ask.experts") } },
    h("h3", {}, t("ask.experts")),
    h(
      "ul",
      {},
      experts.map((one) =>
        h(
          "li",
          { class: "expert" },
          avatar(one, 28),
          h("span", { class: "grow" }, h("span", { class: "expert-name" }, one.name), written(one.documents ?? [])),
          asking && askButton(one, asking),
        ),
      ),
    ),
    asking && h("p", { class: "quiet" }, t("ask.expert.about")),
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

/** The button that asks them; what has become of it, once they were asked. */
function askButton(person, { messageId, filed }) {
  const place = h("span", { class: "expert-ask" });
  const ask = async (event) => {
    event.currentTarget.disabled = true;
    try {
      await call("file_gap", { message_id: messageId, user_id: person.user_id });
      draw("open");
      filed();
    } catch (error) {
      draw(null);
      noticeProblem(error);
    }
  };
  const draw = (asked) =>
    fill(
      place,
      asked
        ? h("span", { class: `badge ${LOOKS[asked]}`, role: "status" }, t(`ask.expert.${asked}`))
        : h(
            "button",
            {
              class: "button small",
              type: "button",
              aria: { label: t("ask.expert.ask.named", { name: person.name }) },
              onclick: ask,
            },
            t("ask.expert.ask"),
          ),
    );
  draw(person.asked);
  if (person.asked) filed();
  return place;
}

/** The button that files an unanswered question as a gap: {element, filed()}. */
function gapButton(messageId) {
  const element = h("div", { class: "gap" });
  const filed = () => fill(element, h("p", { class: "note good" }, icon("check", 16), t("ask.gap.filed")));
  const file = async (event) => {
    event.currentTarget.disabled = true;
    try {
      await call("file_gap", { message_id: messageId });
      filed();
    } catch (error) {
      draw();
      noticeProblem(error);
    }
  };
  const draw = () =>
    fill(
      element,
      h("button", { class: "button", type: "button", onclick: file }, icon("flag", 16), t("ask.gap")),
      h("span", { class: "quiet" }, t("ask.gap.about")),
    );
  draw();
  return { element, filed };
}

// What stands under an answer's text: how sure it is, its sources, what to do with it, and what to ask next.
import { withoutMark } from "./doctext.js";
import { h, icon } from "./dom.js";
import { feedback } from "./feedback.js";
import { noticeProblem, notice } from "./parts.js";
import { proposalCards } from "./proposals.js";
import { nearest, sources } from "./sources.js";
import { whomToAsk } from "./unanswered.js";
import { figure, number, t, tn } from "./words.js";

const MOST = 0.99; // rounded up to 1.00, a probability would claim to be certain

/** Nodes for a whole answer. `doing`: {mine, retry(), ask(question)}, what the reader may do with it. */
export function underAnswer(answer, doing) {
  const said = doing.mine && answer.message_id ? feedback(answer.message_id, answer.feedback) : null;
  return [
    answer.notice && h("p", { class: "answer-notice" }, icon("info", 15), h("span", {}, answer.notice)),
    confidence(answer),
    leftOut(answer),
    proposalCards(doing.mine ? answer.proposals : []),
    sources(answer.citations),
    answer.abstained && [nearest(answer.nearest ?? []), whomToAsk(answer, doing.mine)],
    actions(answer, doing, said),
    said?.form,
    doing.mine && suggestions(answer.suggestions, doing.ask),
  ];
}

/** "Answered from 3 documents · well supported · confidence 0.82"; of what has no fitted figure, what is known instead. */
function confidence({ abstained, confidence: level, citations, support, unsupported }) {
  // What was only proposed or done rests on no source.
  if (abstained || (level !== "none" && !citations.length)) return null;
  if (level === "none") return h("p", { class: "confidence none" }, icon("alert", 16), t("ask.none"));
  const count = new Set(citations.map((one) => one.source.id)).size;
  return h(
    "p",
    { class: `confidence ${level ?? ""}`, title: support == null ? null : t("ask.support.about") },
    icon(level === "low" ? "alert" : "check", 16),
    h("span", {}, tn("ask.from", count)),
    level ? also(t(`ask.level.${level}`)) : !unsupported?.length && also(t("ask.sourced")),
    support != null && also(t("ask.support", { n: figure(Math.min(support, MOST)) })),
  );
}

const also = (words) => [h("span", { class: "dot", aria: { hidden: "true" } }, "·"), h("span", {}, words)];

/** How many sentences are not in the answer because nothing supports them. */
function leftOut({ left_out: count }) {
  return count > 0 && h("p", { class: "answer-notice" }, icon("info", 15), h("span", {}, tn("ask.leftout", count)));
}

function actions(answer, doing, said) {
  const copy = async () => {
    const list = answer.citations
      .filter((one) => one.readable !== false)
      .map((one) => `[${one.marker}] ${one.source.title}: “${withoutMark(one.quote)}”`)
      .join("\n");
    try {
      await navigator.clipboard.writeText(list ? `${answer.answer}\n\n${list}` : answer.answer);
      notice(t("ask.copied"));
    } catch {
      noticeProblem({ status: 400, document: { title: t("ask.copy.failed") } });
    }
  };
  const act = (label, name, onclick) =>
    h("button", { class: "icon-button small", type: "button", title: label, aria: { label }, onclick }, icon(name, 16));
  return h(
    "div",
    { class: "answer-actions" },
    !answer.abstained && act(t("ask.copy"), "copy", copy),
    doing.mine && act(t("ask.again"), "retry", doing.retry),
    said?.buttons,
    h("span", { class: "quiet", title: taken(answer.usage) }, by(answer)),
  );
}

function by({ abstained, citations, model }) {
  if (abstained || !citations.length) return "";
  return !model || /extractive/i.test(model) ? t("ask.extractive") : t("ask.model", { model });
}

/** What an answer took, for those who look: tokens, where a language model wrote it. */
function taken(usage) {
  if (!usage?.input_tokens && !usage?.output_tokens) return null;
  return t("ask.tokens", { input: number(usage.input_tokens), output: number(usage.output_tokens) });
}

function suggestions(questions, ask) {
  if (!questions?.length) return null;
  return h(
    "section",
    { class: "suggestions", aria: { label: t("ask.next") } },
    h("h3", {}, t("ask.next")),
    h(
      "ul",
      {},
      questions.map((question) =>
        h(
          "li",
          {},
          h(
            "button",
            { class: "suggestion", type: "button", onclick: () => ask(question) },
            icon("reply", 15),
            h("span", { class: "grow" }, question),
          ),
        ),
      ),
    ),
  );
}

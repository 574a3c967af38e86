// A summary in the sources' own sentences, each with its citation: of a document, or of what is new in a space.
import { call } from "./bridge.js";
import { chip } from "./citations.js";
import { withoutMark } from "./doctext.js";
import { fill, h, icon } from "./dom.js";
import { choice } from "./listing.js";
import { emptyState, noticeProblem, notice, show, skeleton } from "./parts.js";
import { t } from "./words.js";

const PERIODS = ["7", "30", "90"];
const LENGTHS = ["short", "medium", "long"];
const DAY_MS = 86_400_000;

/** Draw the summary of a document into `place`. */
export function documentSummary(place, id) {
  let length = "medium";
  const pick = choice(
    t("summary.length"),
    LENGTHS.map((one) => [one, t(`summary.length.${one}`)]),
    length,
    (value) => {
      length = value;
      again();
    },
  );
  const again = card(place, t("summary.document"), pick, () => call("summarize", { document_id: id, length }), "none");
}

/** Draw what is new in a space into `place`. */
export function spaceNews(place, id) {
  let days = PERIODS[0];
  const pick = choice(
    t("summary.since"),
    PERIODS.map((n) => [n, t("analytics.days", { n })]),
    days,
    (value) => {
      days = value;
      again();
    },
  );
  const since = () => new Date(Date.now() - Number(days) * DAY_MS).toISOString();
  const again = card(place, t("summary.news"), pick, () => call("summarize", { space_id: id, since: since() }), "news.none");
}

/** A card with a heading, a choice and what `load` gives, or what `empty` says; gives the function that loads again. */
function card(place, title, pick, load, empty) {
  const body = h("div", { class: "summary-body" });
  const close = h(
    "button",
    {
      class: "icon-button small",
      type: "button",
      title: t("close"),
      aria: { label: `${t("close")}: ${title}` },
      onclick: () => fill(place),
    },
    icon("x", 17),
  );
  fill(
    place,
    h(
      "section",
      { class: "summary", aria: { label: title } },
      h("header", { class: "summary-head" }, icon("sparkle", 17), h("h2", { class: "grow" }, title), pick, close),
      body,
    ),
  );
  const again = () =>
    show(
      body,
      load,
      (found) => (found.sections.length ? sections(found) : emptyState("file", t(`summary.${empty}`), t(`summary.${empty}.body`))),
      () => skeleton(3),
    );
  again();
  return again;
}

function sections(found) {
  const copy = async () => {
    const text = found.sections
      .map((one) => [one.heading, ...one.sentences.map((sentence) => `- ${withoutMark(sentence.text)}`)])
      .flat()
      .filter(Boolean);
    const list = found.citations.map((one) => `[${one.marker}] ${one.source.title}: “${withoutMark(one.quote)}”`);
    try {
      await navigator.clipboard.writeText([found.title, ...text, "", ...list].join("\n"));
      notice(t("ask.copied"));
    } catch {
      noticeProblem({ status: 400, document: { title: t("ask.copy.failed") } });
    }
  };
  return [
    found.sections.map((one) => [
      one.heading && h("h3", {}, one.heading),
      h(
        "ul",
        {},
        one.sentences.map((sentence) =>
          h(
            "li",
            {},
            withoutMark(sentence.text),
            " ",
            sentence.markers.map((n) => chip(n, found.citations)),
          ),
        ),
      ),
    ]),
    h(
      "div",
      { class: "answer-actions" },
      h(
        "button",
        { class: "icon-button small", type: "button", title: t("summary.copy"), aria: { label: t("summary.copy") }, onclick: copy },
        icon("copy", 16),
      ),
      h("span", { class: "quiet" }, t("ask.extractive")),
    ),
  ];
}

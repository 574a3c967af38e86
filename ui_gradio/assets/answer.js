// One question and its answer: steps, text with citation chips, confidence, sources.
import { fill, h, icon, marked } from "./dom.js";
import { openPassage } from "./panel.js";
import { breadcrumb, errorState, notice } from "./parts.js";
import { prose } from "./prose.js";
import { exactly, t, tn, when } from "./words.js";

/** A turn of a conversation. `draw(frame)` shows a frame of the stream or `{answer}` of an old message;
 *  `onretry` asks the same again. */
export function turn(question, onretry) {
  const steps = h("details", { class: "steps", hidden: true });
  const body = h("div", { class: "answer-text", aria: { live: "polite", busy: "true" } });
  const rest = h("div", { class: "answer-rest" });
  const element = h("article", { class: "turn" }, h("h2", { class: "question" }, question), steps, body, rest);
  let drawn = null;

  function draw(frame) {
    const answer = frame.answer;
    drawSteps(steps, frame);
    const text = answer?.answer ?? frame.text ?? "";
    if (answer?.abstained) fill(body, abstained());
    else if (text !== drawn || answer)
      fill(
        body,
        prose(text, (n) => chip(n, answer?.citations ?? [])),
      );
    drawn = text;
    body.classList.toggle("growing", !frame.done && text !== "");
    if (!frame.done) return;
    body.setAttribute("aria-busy", "false");
    if (frame.problem)
      fill(
        rest,
        errorState({ status: frame.problem.status, code: frame.problem.code, document: frame.problem }, onretry),
      );
    else if (frame.stopped)
      fill(
        rest,
        h(
          "p",
          { class: "quiet" },
          t("ask.stopped"),
          " ",
          h("button", { class: "link", type: "button", onclick: onretry }, t("retry")),
        ),
      );
    else if (answer)
      fill(
        rest,
        confidence(answer),
        sources(answer),
        answer.abstained ? nearest(answer.nearest ?? []) : null,
        actions(answer),
      );
  }
  return { element, draw };
}

function drawSteps(place, frame) {
  const steps = frame.steps ?? [];
  place.hidden = frame.done ? steps.length === 0 : false;
  if (place.hidden) return;
  const last = steps.at(-1);
  const summary = frame.done
    ? [
        icon("check", 15),
        t("ask.steps"),
        h(
          "span",
          { class: "quiet" },
          steps
            .map((step) => step.detail)
            .filter(Boolean)
            .join(" · "),
        ),
      ]
    : [
        h("span", { class: "spinner" }),
        last?.label ?? t("ask.working"),
        h("span", { class: "quiet" }, last?.detail ?? ""),
      ];
  fill(
    place,
    h("summary", {}, summary),
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

function abstained() {
  return [h("p", { class: "abstained" }, t("ask.abstained")), h("p", { class: "quiet" }, t("ask.abstained.body"))];
}

function chip(n, citations) {
  const citation = citations.find((one) => one.marker === n);
  if (!citation) return h("span", { class: "chip pending" }, String(n));
  if (citation.readable === false) return h("span", { class: "chip pending", title: t("ask.unreadable") }, String(n));
  const button = h(
    "button",
    {
      class: citation.verified ? "chip" : "chip changed",
      type: "button",
      aria: { label: t("ask.source", { n, title: citation.source.title }) },
      onclick: () => {
        hideQuote();
        openPassage(citation);
      },
    },
    String(n),
  );
  for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => showQuote(button, citation));
  for (const name of ["pointerleave", "blur"]) button.addEventListener(name, hideQuote);
  return button;
}

let bubble = null;

function showQuote(anchor, citation) {
  hideQuote();
  bubble = h(
    "div",
    { class: "bubble", role: "tooltip" },
    h("p", { class: "bubble-title" }, citation.source.title),
    h("p", { class: "quiet" }, breadcrumb(citation.space, citation.heading, citation.page, citation.source.title)),
    h("blockquote", {}, citation.quote),
  );
  document.getElementById("nexus").append(bubble);
  const at = anchor.getBoundingClientRect();
  const box = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - box.width / 2), innerWidth - box.width - 8);
  const above = at.top - box.height - 8;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above > 8 ? above : at.bottom + 8}px`;
}

function hideQuote() {
  bubble?.remove();
  bubble = null;
}

addEventListener("scroll", hideQuote, true);
addEventListener("keydown", (event) => event.key === "Escape" && hideQuote());

function confidence(answer) {
  const level = answer.confidence;
  const count = new Set(answer.citations.map((one) => one.source.id)).size;
  if (answer.abstained) return null;
  if (level === "none") return h("p", { class: "confidence none" }, icon("alert", 16), t("ask.none"));
  return h(
    "p",
    { class: `confidence ${level}` },
    icon(level === "low" ? "alert" : "check", 16),
    tn(`ask.${level}`, count),
  );
}

/** The sources, each once, with what was quoted from it. */
function sources({ citations }) {
  if (!citations.length) return null;
  const bySource = new Map();
  for (const citation of citations) {
    const key = `${citation.source.id}:${citation.source.version}`;
    bySource.set(key, [...(bySource.get(key) ?? []), citation]);
  }
  return h(
    "section",
    { class: "sources", aria: { label: t("ask.sources") } },
    h("h3", {}, t("ask.sources")),
    h(
      "ol",
      {},
      [...bySource.values()].map((quotes) =>
        h("li", {}, quotes[0].readable === false ? withheld(quotes) : sourceCard(quotes)),
      ),
    ),
  );
}

function sourceCard(quotes) {
  const { source, space, updated_at: updated } = quotes[0];
  return [
    h(
      "p",
      { class: "source-head" },
      icon("file", 16),
      h("span", { class: "source-title clip" }, source.title),
      h(
        "span",
        { class: "quiet" },
        `${space.name} · `,
        h("time", { datetime: updated, title: exactly(updated) }, when(updated)),
      ),
    ),
    quotes.map((quote) =>
      h(
        "button",
        { class: "source", type: "button", onclick: () => openPassage(quote) },
        h("span", { class: quote.verified ? "chip still" : "chip still changed" }, String(quote.marker)),
        h("span", { class: "source-main" }, h("span", { class: "source-quote" }, quote.quote), where(quote)),
      ),
    ),
  ];
}

/** Where in its document a quote stands, and whether it still does. */
function where({ heading, page, source, verified }) {
  const place = breadcrumb(null, heading, page, source.title);
  if (!place.textContent && verified) return null;
  return h(
    "span",
    { class: "quiet" },
    place,
    !verified && [place.textContent && " · ", h("span", { class: "warn-text" }, t("ask.unverified"))],
  );
}

function withheld(quotes) {
  return h(
    "p",
    { class: "source-head" },
    quotes.map((quote) => h("span", { class: "chip pending" }, String(quote.marker))),
    h("span", { class: "quiet" }, t("ask.unreadable")),
  );
}

function nearest(hits) {
  if (!hits.length) return null;
  return h(
    "section",
    { class: "sources" },
    h("h3", {}, t("ask.nearest")),
    h(
      "ol",
      {},
      hits.map((hit) =>
        h(
          "li",
          {},
          h(
            "button",
            { class: "source", type: "button", onclick: () => openPassage(hit) },
            icon("file", 16),
            h(
              "span",
              { class: "source-main" },
              h("span", { class: "source-title" }, hit.source.title),
              h("span", { class: "source-quote" }, marked(hit.text, hit.highlights ?? [])),
              h(
                "span",
                { class: "quiet" },
                breadcrumb(hit.space, hit.heading, hit.page, hit.source.title),
                " · ",
                when(hit.updated_at),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

function actions(answer) {
  const copy = async () => {
    const list = answer.citations.map((one) => `[${one.marker}] ${one.source.title}: “${one.quote}”`).join("\n");
    await navigator.clipboard.writeText(list ? `${answer.answer}\n\n${list}` : answer.answer);
    notice(t("ask.copied"));
  };
  const extractive = !answer.model || /extractive/i.test(answer.model);
  return h(
    "div",
    { class: "answer-actions" },
    !answer.abstained &&
      h("button", { class: "quiet-button", type: "button", onclick: copy }, icon("copy", 15), t("ask.copy")),
    !answer.abstained &&
      h("span", { class: "quiet" }, extractive ? t("ask.extractive") : t("ask.model", { model: answer.model })),
  );
}

// Under an answer: where it comes from, or what came closest.
import { openCitation, whyWithheld } from "./citations.js";
import { withoutMark } from "./doctext.js";
import { h, icon, marked } from "./dom.js";
import { openPassage } from "./panel.js";
import { breadcrumb } from "./parts.js";
import { exactly, t, when } from "./words.js";

const NEAREST = 3; // passages shown where nothing answers

/** The sources of an answer, each once, with what was quoted from it. */
export function sources(citations) {
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
        h("li", {}, quotes[0].readable === false ? withheld(quotes) : sourceCard(quotes, citations)),
      ),
    ),
  );
}

function sourceCard(quotes, citations) {
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
        { class: "source", type: "button", onclick: () => openCitation(quote, citations) },
        h("span", { class: quote.verified ? "chip still" : "chip still changed" }, String(quote.marker)),
        h("span", { class: "source-main" }, h("span", { class: "source-quote" }, withoutMark(quote.quote)), where(quote)),
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
    h("span", { class: "quiet" }, whyWithheld(quotes[0])),
  );
}

/** The passages that came closest where nothing answers the question. */
export function nearest(hits) {
  if (!hits.length) return null;
  return h(
    "section",
    { class: "sources", aria: { label: t("ask.nearest") } },
    h("h3", {}, t("ask.nearest")),
    h(
      "ol",
      {},
      hits.slice(0, NEAREST).map((hit) =>
        h(
          "li",
          {},
          h(
            "button",
            { class: "source", type: "button", onclick: () => openPassage(hit, { among: hits }) },
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

// Citation chips: the quote on hover, the passage in its document on click.
import { withoutMark } from "./doctext.js";
import { h } from "./dom.js";
import { openPassage } from "./panel.js";
import { breadcrumb } from "./parts.js";
import { t } from "./words.js";

/** The chip of marker `n` among `citations`; while an answer grows, its citations are not there yet. */
export function chip(n, citations) {
  const citation = citations.find((one) => one.marker === n);
  if (!citation) return h("span", { class: "chip pending" }, String(n));
  if (citation.readable === false) return h("span", { class: "chip pending", title: whyWithheld(citation) }, String(n));
  const button = h(
    "button",
    {
      class: citation.verified ? "chip" : "chip changed",
      type: "button",
      aria: { label: t("ask.source", { n, title: citation.source.title }) },
      onclick: () => {
        hideQuote();
        openCitation(citation, citations);
      },
    },
    String(n),
  );
  for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => showQuote(button, citation));
  for (const name of ["pointerleave", "blur"]) button.addEventListener(name, hideQuote);
  return button;
}

/** Why a citation shows nothing of its source. */
export const whyWithheld = ({ status }) => t(status === "deleted" ? "ask.deleted" : "ask.unreadable");

/** Open a citation in the panel, which can go on to the others of its answer. */
export const openCitation = (citation, citations) =>
  openPassage(citation, { among: citations.filter((one) => one.readable !== false) });

let bubble = null;

function showQuote(anchor, citation) {
  hideQuote();
  // On a touch screen the first tap must open the passage, and a bubble would lie over it.
  if (matchMedia("(hover: none)").matches) return;
  bubble = h(
    "div",
    { class: "bubble", role: "tooltip" },
    h("p", { class: "bubble-title" }, citation.source.title),
    h("p", { class: "quiet" }, breadcrumb(citation.space, citation.heading, citation.page, citation.source.title)),
    h("blockquote", {}, withoutMark(citation.quote)),
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

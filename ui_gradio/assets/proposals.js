// What the assistant would do, as cards: nothing is done before the person confirms it.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { exactly, t } from "./words.js";

const ICONS = { save_document: "file", append_document: "edit", remind: "bell" };

/** Cards for `proposals`: [{id, kind, summary, parameters, state, result?}]. */
export function proposalCards(proposals) {
  if (!proposals?.length) return null;
  return h("section", { class: "proposals", aria: { label: t("proposal.label") } }, proposals.map(card));
}

function card(proposal) {
  const element = h("div", { class: "card proposal" });
  draw(proposal);

  function draw(one) {
    const open = one.state === "open" && !(Date.parse(one.expires_at) < Date.now());
    fill(
      element,
      h(
        "p",
        { class: "card-title" },
        icon(ICONS[one.kind] ?? "check", 17),
        h("span", { class: "grow" }, one.summary || t(`proposal.kind.${one.kind}`)),
        !open && h("span", { class: `badge ${one.state === "done" ? "good" : "quiet"}` }, ended(one)),
      ),
      open && details(one.parameters ?? {}),
      open
        ? h(
            "div",
            { class: "row" },
            button(t(`proposal.do.${one.kind}`), "primary", () => run("confirm_proposal", one)),
            button(t("proposal.dismiss"), "", () => run("dismiss_proposal", one)),
          )
        : one.result &&
            one.state === "done" &&
            h("a", { class: "link", href: one.result, "data-link": true }, t("proposal.open")),
    );
  }

  async function run(action, one) {
    element.querySelectorAll("button").forEach((each) => (each.disabled = true));
    try {
      const after = await call(action, { id: one.id });
      draw(after?.state ? after : { ...one, state: action === "confirm_proposal" ? "done" : "dismissed" });
    } catch (error) {
      draw(one);
      noticeProblem(error);
    }
  }

  return element;
}

const ended = (one) => t(`proposal.state.${one.state === "open" ? "expired" : one.state}`);

/** The time of a reminder as the clock of this place has it: the summary gives the person's set time zone. */
function details({ due_at: due }) {
  return due ? h("p", { class: "quiet row" }, icon("clock", 15), exactly(due)) : null;
}

function button(label, look, onclick) {
  return h("button", { class: `button small ${look}`, type: "button", onclick }, label);
}

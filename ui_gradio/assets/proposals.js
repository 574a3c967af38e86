// What the assistant would do, as cards: nothing is done before the person confirms it.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { exactly, has, t } from "./words.js";

const ICONS = { save_document: "file", append_document: "edit", remind: "bell" };
// What of its parameters a person should see before it is done.
const SHOWN = ["title", "space", "document", "heading", "text", "when", "due_at"];

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

function details(parameters) {
  const rows = SHOWN.filter((name) => parameters[name]).map((name) => [
    has(`proposal.field.${name}`) ? t(`proposal.field.${name}`) : name,
    /_at$|^when$/.test(name) ? exactly(parameters[name]) : String(parameters[name]),
  ]);
  if (!rows.length) return null;
  return h(
    "dl",
    { class: "card-rows" },
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function button(label, look, onclick) {
  return h("button", { class: `button small ${look}`, type: "button", onclick }, label);
}

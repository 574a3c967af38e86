// Making a space.
import { call } from "./bridge.js";
import { fill, h } from "./dom.js";
import { dialog, explain } from "./parts.js";
import { spaces } from "./session.js";
import { t } from "./words.js";

/** Ask for a name and make a space; `onmade` gets it. */
export function newSpace(onmade) {
  const name = h("input", { class: "field", type: "text", required: true, maxlength: "200", id: "space-name", autofocus: true });
  const problem = h("p", { class: "doc-error", role: "alert" });
  const box = dialog(t("knowledge.newspace"), "dialog", h("form", { method: "dialog", onsubmit: async (event) => {
    event.preventDefault();
    fill(problem);
    try {
      const space = await call("create_space", { name: name.value.trim() });
      await spaces(true);
      box.close();
      onmade(space);
    } catch (error) {
      fill(problem, explain(error).detail);
    }
  } },
  h("h2", {}, t("knowledge.newspace")), h("label", { for: "space-name" }, t("knowledge.newspace.name")), name, problem,
  h("div", { class: "row end" }, h("button", { class: "button", type: "button", onclick: () => box.close() }, t("cancel")),
    h("button", { class: "button primary", type: "submit" }, t("knowledge.newspace.create")))));
}

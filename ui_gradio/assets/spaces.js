// The list of spaces beside a page, and making a new one.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { dialog, errorState, explain } from "./parts.js";
import { go } from "./router.js";
import { spaces } from "./session.js";
import { number, t } from "./words.js";

/** Stands for the documents that were shared with the person one by one. */
export const SHARED = "shared";

const address = (id) =>
  id === SHARED ? "/knowledge?shared" : id ? `/knowledge?space=${encodeURIComponent(id)}` : "/knowledge";

export const total = (all) => all.reduce((sum, space) => sum + space.document_count, 0);

/** Draw the spaces into `side`, each leading to its documents. `current`: the id of the one that is shown, "" for
 *  all, SHARED, null for none. Gives the spaces, or null when they could not be asked for. */
export async function spaceList(side, { current = null, fresh = false } = {}) {
  try {
    const all = await spaces(fresh);
    const entry = (id, name, count, archived = false) =>
      h(
        "li",
        { class: id === current ? "current" : "" },
        h(
          "a",
          { href: address(id), "data-link": true, aria: id === current ? { current: "page" } : {} },
          h("span", { class: "clip grow" }, name),
          archived && icon("archive", 14),
          count !== null && h("span", { class: "count" }, number(count)),
        ),
      );
    fill(
      side,
      h(
        "div",
        { class: "side-head" },
        h("h2", {}, t("knowledge.spaces")),
        h(
          "button",
          {
            class: "icon-button",
            type: "button",
            title: t("knowledge.newspace"),
            aria: { label: t("knowledge.newspace") },
            onclick: () => newSpace((space) => go(address(space.id))),
          },
          icon("plus"),
        ),
      ),
      h(
        "div",
        { class: "side-list" },
        h(
          "ul",
          { class: "one-line" },
          entry("", t("knowledge.all"), total(all)),
          entry(SHARED, t("knowledge.shared"), null),
          all.map((space) => entry(space.id, space.name, space.document_count, Boolean(space.archived_at))),
        ),
      ),
    );
    return all;
  } catch (error) {
    fill(
      side,
      errorState(error, () => spaceList(side, { current, fresh: true })),
    );
    return null;
  }
}

/** Ask for a name and make a space; `onmade` gets it. */
export function newSpace(onmade) {
  const name = h("input", {
    class: "field",
    type: "text",
    required: true,
    maxlength: "200",
    id: "space-name",
    autofocus: true,
  });
  const problem = h("p", { class: "doc-error", role: "alert" });
  const box = dialog(
    t("knowledge.newspace"),
    "dialog",
    h(
      "form",
      {
        method: "dialog",
        onsubmit: async (event) => {
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
        },
      },
      h("h2", {}, t("knowledge.newspace")),
      h("label", { for: "space-name" }, t("knowledge.newspace.name")),
      name,
      problem,
      h(
        "div",
        { class: "row end" },
        h("button", { class: "button", type: "button", onclick: () => box.close() }, t("cancel")),
        h("button", { class: "button primary", type: "submit" }, t("knowledge.newspace.create")),
      ),
    ),
  );
}

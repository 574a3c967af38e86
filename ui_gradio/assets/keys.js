// API keys: made with scopes and an end, shown once, revoked.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { listing, nothing, section } from "./listing.js";
import { confirmDelete, noticeProblem } from "./parts.js";
import { showOnce } from "./secrets.js";
import { exactly, t, when } from "./words.js";

const SCOPES = ["read", "write", "admin"];
const LIVES = ["30", "90", "365", ""];

export function keysSection() {
  const list = listing({
    label: t("keys.title"),
    load: (cursor) => call("api_keys", { cursor }),
    empty: () => nothing(t("keys.none")),
    row: (key) =>
      h(
        "li",
        { class: "row-item" },
        icon("key", 18),
        h(
          "span",
          { class: "doc-main" },
          h("span", { class: "doc-title" }, key.name, " ", h("code", { class: "quiet" }, `${key.prefix}…`)),
          h(
            "span",
            { class: "quiet" },
            [
              key.scopes.map((scope) => t(`keys.scope.${scope}`)).join(", "),
              key.expires_at ? t("keys.until", { t: exactly(key.expires_at) }) : t("keys.forever"),
              key.last_used_at ? t("sessions.used", { t: when(key.last_used_at) }) : t("keys.unused"),
            ].join(" · "),
          ),
        ),
        h("button", { class: "button small", type: "button", onclick: () => revoke(key) }, t("keys.revoke")),
      ),
  });

  async function revoke(key) {
    if (!(await confirmDelete(t("keys.revoke.title"), t("keys.revoke.body", { name: key.name }), t("keys.revoke"))))
      return;
    try {
      await call("revoke_api_key", { id: key.id });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function create() {
    const boxes = SCOPES.map((scope) =>
      h("input", { type: "checkbox", value: scope, ...(scope === "read" && { checked: true }) }),
    );
    const made = await ask({
      title: t("keys.new"),
      submit: t("keys.create"),
      fields: [
        {
          name: "name",
          label: t("keys.name"),
          hint: t("keys.name.hint"),
          required: true,
          maxlength: 100,
          autofocus: true,
        },
        h(
          "fieldset",
          { class: "form-field" },
          h("legend", {}, t("keys.scopes")),
          boxes.map((box) => h("label", { class: "option" }, box, h("span", {}, t(`keys.scope.${box.value}.about`)))),
        ),
        {
          name: "life",
          label: t("keys.life"),
          value: "90",
          options: LIVES.map((days) => [days, days ? t("keys.days", { n: days }) : t("keys.forever")]),
        },
      ],
      onsubmit: ({ name, life }) =>
        call("create_api_key", {
          name,
          scopes: boxes.filter((box) => box.checked).map((box) => box.value),
          ...(life && { expires_in_days: Number(life) }),
        }),
    });
    if (!made) return;
    list.refresh();
    await showOnce({ title: made.name, text: t("keys.once"), lines: [made.key], filename: "nexus-api-key.txt" });
  }

  return section(
    t("keys.title"),
    {
      text: t("keys.body"),
      actions: [h("button", { class: "button", type: "button", onclick: create }, icon("plus", 16), t("keys.new"))],
    },
    list.element,
  );
}

// For administrators: everyone's account.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { ask, askByName } from "./forms.js";
import { choice, column, listing, nothing, searchField } from "./listing.js";
import { confirmDelete, menu, notice, noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { whoami } from "./session.js";
import { exactly, t, when } from "./words.js";

const ROLES = ["admin", "manager", "member", "guest"];
const STATES = ["active", "disabled"];
const roles = () => ROLES.map((role) => [role, t(`system.${role}`)]);

export async function usersPage({ place, side }) {
  adminSide(side, "/admin/users");
  const filters = { q: "", role: "", state: "" };
  let mine = null;
  const body = column(place, {
    title: t("users.title"),
    subtitle: t("users.subtitle"),
    actions: [
      h("button", { class: "button primary", type: "button", onclick: create }, icon("plus", 16), t("users.new")),
    ],
  });
  const list = listing({
    label: t("users.title"),
    load: async (cursor) => {
      mine ??= (await whoami()).id;
      return call("people", { ...filters, cursor, limit: 50 });
    },
    empty: () => nothing(t("users.none")),
    row,
  });
  const filter = (name) => (value) => {
    filters[name] = value;
    list.refresh();
  };
  body.append(
    h(
      "div",
      { class: "toolbar row" },
      searchField(t("users.find"), filter("q")),
      choice(t("users.role"), [["", t("users.role.all")], ...roles()], "", filter("role")),
      choice(
        t("users.state"),
        [["", t("users.state.all")], ...STATES.map((state) => [state, t(`users.state.${state}`)])],
        "",
        filter("state"),
      ),
    ),
    list.element,
  );

  function row(user) {
    const disabled = user.state === "disabled" || Boolean(user.disabled_at);
    const self = user.id === mine;
    const button = h(
      "button",
      { class: "icon-button", type: "button", aria: { label: t("users.actions", { name: user.name }) } },
      icon("more"),
    );
    return h(
      "li",
      { class: "row-item" },
      avatar(user, 34),
      h(
        "span",
        { class: "doc-main" },
        h(
          "span",
          { class: "doc-title" },
          user.name,
          self && h("span", { class: "quiet" }, ` (${t("members.you")})`),
          disabled && [" ", h("span", { class: "badge bad" }, t("users.state.disabled"))],
        ),
        h("span", { class: "quiet clip" }, user.email ?? t("profile.email.none")),
      ),
      h(
        "span",
        { class: "quiet seen", title: exactly(user.last_seen_at) },
        user.last_seen_at ? when(user.last_seen_at) : t("users.never"),
      ),
      choice(t("members.role", { name: user.name }), roles(), user.role, (role, field) => setRole(user, role, field)),
      menu(
        button,
        () => [
          { label: t("users.rename"), icon: "edit", onclick: () => rename(user) },
          user.email && { label: t("users.reset"), icon: "key", onclick: () => reset(user) },
          !self && {
            label: t(disabled ? "users.enable" : "users.disable"),
            icon: disabled ? "check" : "stop",
            onclick: () => setDisabled(user, !disabled),
          },
          !self && { label: t("users.delete"), icon: "trash", danger: true, onclick: () => remove(user) },
        ],
        "below end",
      ),
    );
  }

  async function setRole(user, role, field) {
    const yes = await confirmDelete(
      t("users.role.change"),
      t("users.role.body", { name: user.name, role: t(`system.${role}`) }),
      t("change"),
    );
    if (!yes) {
      field.value = user.role;
      return;
    }
    try {
      await call("change_user", { id: user.id, role });
      user.role = role;
      notice(t("members.changed", { name: user.name, role: t(`system.${role}`) }));
    } catch (error) {
      field.value = user.role;
      noticeProblem(error);
    }
  }

  async function setDisabled(user, disabled) {
    if (
      disabled &&
      !(await confirmDelete(
        t("users.disable"),
        t("users.disable.body", { name: user.name }),
        t("users.disable.button"),
      ))
    )
      return;
    try {
      await call("change_user", { id: user.id, disabled });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function rename(user) {
    const done = await ask({
      title: t("users.rename"),
      submit: t("save"),
      fields: [{ name: "name", label: t("field.name"), value: user.name, required: true }],
      onsubmit: (values) => call("change_user", { id: user.id, ...values }),
    });
    if (done) list.refresh();
  }

  async function reset(user) {
    if (
      !(await confirmDelete(
        t("users.reset"),
        t("users.reset.body", { name: user.name, email: user.email }),
        t("users.reset.button"),
      ))
    )
      return;
    try {
      await call("reset_user_password", { id: user.id });
      notice(t("users.reset.done", { email: user.email }));
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function remove(user) {
    const done = await askByName({
      title: t("users.delete"),
      text: t("users.delete.body", { name: user.name }),
      name: user.name,
      submit: t("delete"),
      fields: [
        {
          name: "attribution",
          label: t("attribution"),
          value: "keep",
          options: [
            ["keep", t("attribution.keep")],
            ["former member", t("attribution.former")],
            ["other name", t("attribution.other")],
          ],
        },
        { name: "name", label: t("attribution.name"), hint: t("attribution.name.hint") },
      ],
      onsubmit: ({ attribution, name }) =>
        call("delete_user", { id: user.id, attribution, ...(attribution === "other name" && { name }) }),
    });
    if (!done) return;
    notice(t("users.deleted", { name: user.name }));
    list.refresh();
  }

  async function create() {
    const done = await ask({
      title: t("users.new"),
      text: t("users.new.body"),
      submit: t("users.new.button"),
      fields: [
        { name: "name", label: t("field.name"), required: true, autofocus: true },
        { name: "email", label: t("field.email"), type: "email", required: true, maxlength: 254 },
        { name: "role", label: t("users.role"), value: "member", options: roles() },
      ],
      onsubmit: (values) => call("create_user", values),
    });
    if (done) list.refresh();
  }
}

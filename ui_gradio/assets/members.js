// Who is in a team or project: roles, adding people, inviting them, taking them out.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { form } from "./forms.js";
import { choice, listing, nothing, section } from "./listing.js";
import { confirmDelete, notice, noticeProblem } from "./parts.js";
import { avatar, picker } from "./people.js";
import { may } from "./session.js";
import { exactly, t } from "./words.js";

const ROLES = ["owner", "editor", "viewer"];
const roles = (names = ROLES) => names.map((role) => [role, t(`role.${role}`)]);

/** `owner`: whether the person may change who is in it; `onchange` is called when the number of members changes. */
export function membersSection({ kind, group, me, owner, onchange }) {
  const list = listing({
    label: t("members.title"),
    load: (cursor) => call(`${kind}_members`, { id: group.id, cursor }),
    empty: () => nothing(t("members.none")),
    row: (member) =>
      h(
        "li",
        { class: "row-item" },
        avatar(member, 32),
        h(
          "span",
          { class: "doc-main doc-title" },
          h(
            "span",
            { class: "clip" },
            member.name,
            member.user_id === me.id && h("span", { class: "quiet" }, ` (${t("members.you")})`),
          ),
        ),
        owner
          ? choice(t("members.role", { name: member.name }), roles(), member.role, (role, field) =>
              change(member, role, field),
            )
          : h("span", { class: "quiet" }, t(`role.${member.role}`)),
        owner &&
          member.user_id !== me.id &&
          h(
            "button",
            {
              class: "icon-button",
              type: "button",
              title: t("members.remove"),
              aria: { label: t("members.remove.name", { name: member.name }) },
              onclick: () => remove(member),
            },
            icon("x", 17),
          ),
      ),
  });

  async function change(member, role, field) {
    try {
      await call(`${kind}_set_member`, { id: group.id, user_id: member.user_id, role });
      notice(t("members.changed", { name: member.name, role: t(`role.${role}`) }));
      if (member.user_id === me.id) onchange();
      else member.role = role;
    } catch (error) {
      field.value = member.role;
      noticeProblem(error);
    }
  }

  async function remove(member) {
    const words = { name: member.name, group: group.name };
    if (!(await confirmDelete(`${t("members.remove")}?`, t("members.remove.body", words), t("members.remove")))) return;
    try {
      await call(`${kind}_remove_member`, { id: group.id, user_id: member.user_id });
      notice(t("members.removed", words));
      onchange();
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function add(person) {
    try {
      await call(`${kind}_set_member`, { id: group.id, user_id: person.id, role: "editor" });
      notice(t("members.added", { name: person.name, group: group.name }));
      onchange();
    } catch (error) {
      noticeProblem(error);
    }
  }

  return [
    section(
      t("members.title"),
      {},
      owner &&
        may(me, "people:read") &&
        picker({ label: t("members.add"), onpick: add, exclude: (one) => one.id === me.id }),
      list.element,
    ),
    owner && may(me, "groups:create") && invitationsSection(group, me),
  ];
}

function invitationsSection(group, me) {
  const list = listing({
    label: t("invitations.title"),
    load: async (cursor) => {
      const page = await call("invitations", { space_id: group.space_id, cursor });
      return { ...page, items: page.items.filter((one) => one.state === "pending") };
    },
    empty: () => nothing(t("invitations.none")),
    row: (one) => invitationRow(one, list),
  });
  const made = form({
    fields: [
      {
        name: "email",
        label: t("field.email"),
        type: "email",
        required: true,
        maxlength: 254,
        placeholder: "name@example.com",
      },
      { name: "space_role", label: t("invitations.as"), value: "viewer", options: roles(["viewer", "editor"]) },
      ...(may(me, "people:invite")
        ? [
            {
              name: "role",
              label: t("invitations.newcomer"),
              value: "member",
              options: ["member", "guest"].map((role) => [role, t(`system.${role}`)]),
            },
          ]
        : []),
    ],
    submit: t("invitations.send"),
    quiet: true,
    onsubmit: async (values) => {
      await call("invite", { ...values, space_id: group.space_id });
      made.element.reset();
      notice(t("invitations.sent", { email: values.email }));
      list.refresh();
    },
  });
  made.element.classList.add("inline");
  return section(
    t("invitations.invite"),
    { text: t(may(me, "people:invite") ? "invitations.invite.body" : "invitations.invite.guest") },
    made.element,
    list.element,
  );
}

/** A row of a list of invitations, with a way to take it back while it waits. */
export function invitationRow(one, list) {
  const revoke = async () => {
    const yes = await confirmDelete(
      t("invitations.revoke.title"),
      t("invitations.revoke.body", { email: one.email }),
      t("keys.revoke"),
    );
    if (!yes) return;
    try {
      await call("revoke_invitation", { id: one.id });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const look = { pending: "warn", accepted: "good", revoked: "quiet", expired: "quiet" }[one.state] ?? "quiet";
  return h(
    "li",
    { class: "row-item" },
    icon("mail", 18),
    h(
      "span",
      { class: "doc-main" },
      h("span", { class: "doc-title" }, one.email),
      h(
        "span",
        { class: "quiet", title: exactly(one.created_at) },
        [
          one.space_name ? `${one.space_name} (${t(`role.${one.space_role ?? "viewer"}`)})` : t(`system.${one.role}`),
          t("invitations.by", { name: one.invited_by.name }),
          one.state === "pending" && t("keys.until", { t: exactly(one.expires_at) }),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    h("span", { class: `badge ${look}` }, t(`invitations.state.${one.state}`)),
    one.state === "pending" &&
      h("button", { class: "button small", type: "button", onclick: revoke }, t("keys.revoke")),
  );
}

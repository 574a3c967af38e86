// Sharing one document with people and teams that are not in its space.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { choice, listing, nothing } from "./listing.js";
import { confirmDelete, dialog, noticeProblem } from "./parts.js";
import { avatar, picker } from "./people.js";
import { t } from "./words.js";

const ROLES = ["viewer", "editor"];

export function openShare(doc) {
  const list = listing({
    label: t("share.with"),
    load: (cursor) => call("grants", { id: doc.id, cursor }),
    empty: () => nothing(t("share.none")),
    row,
  });
  let role = "viewer";
  const give = (field) => async (one) => {
    try {
      await call("set_grant", { id: doc.id, [field]: one.id, role });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const teams = async (q) => (await call("teams_list", { q, archived: "false", limit: 8 })).items;
  const box = dialog(
    t("share.title"),
    "dialog share",
    h("h2", {}, t("share.named", { title: doc.title })),
    h("p", { class: "quiet" }, t("share.body", { space: doc.space.name })),
    h(
      "div",
      { class: "share-add" },
      choice(
        t("share.role"),
        ROLES.map((one) => [one, t(`share.role.${one}`)]),
        role,
        (value) => {
          role = value;
        },
      ),
      picker({ label: t("share.person"), onpick: give("user_id") }),
      picker({ label: t("share.team"), onpick: give("team_id"), search: teams }),
    ),
    h("p", { class: "label" }, t("share.with")),
    list.element,
    h(
      "div",
      { class: "row end" },
      h("button", { class: "button", type: "button", onclick: () => box.close() }, t("close")),
    ),
  );

  function row(grant) {
    const to = grantee(grant);
    return h(
      "li",
      { class: "row-item" },
      to.team ? icon("teams", 18) : avatar(to, 28),
      h("span", { class: "doc-main doc-title" }, h("span", { class: "clip" }, to.name)),
      choice(
        t("members.role", { name: to.name }),
        ROLES.map((one) => [one, t(`share.role.${one}`)]),
        grant.role,
        (value, field) => change(grant, to, value, field),
      ),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          aria: { label: t("share.stop.name", { name: to.name }) },
          onclick: () => stop(grant, to),
        },
        icon("x", 17),
      ),
    );
  }

  async function change(grant, to, value, field) {
    try {
      await call("set_grant", { id: doc.id, [to.team ? "team_id" : "user_id"]: to.id, role: value });
      grant.role = value;
    } catch (error) {
      field.value = grant.role;
      noticeProblem(error);
    }
  }

  async function stop(grant, to) {
    const yes = await confirmDelete(
      t("share.stop"),
      t("share.stop.body", { name: to.name, title: doc.title }),
      t("share.stop"),
    );
    if (!yes) return;
    try {
      await call("delete_grant", { id: doc.id, grant_id: grant.id });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  }
}

/** Whom a grant is for. */
const grantee = (grant) => ({ id: grant.team_id ?? grant.user_id, name: grant.name, team: Boolean(grant.team_id) });

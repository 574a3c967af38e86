// One team or project: what it is, who is in it, where its documents are.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask, askByName } from "./forms.js";
import { groupsSide } from "./groups.js";
import { column, section } from "./listing.js";
import { membersSection } from "./members.js";
import { confirmDelete, errorState, menu, notice, noticeProblem, skeleton } from "./parts.js";
import { picker } from "./people.js";
import { go } from "./router.js";
import { spaces, whoami } from "./session.js";
import { exactly, t, tn } from "./words.js";

export const teamPage = (view) => groupPage("teams", view);
export const projectPage = (view) => groupPage("projects", view);

function groupPage(kind, { params, place, side, onleave }) {
  let left = false;
  onleave(() => {
    left = true;
  });
  groupsSide(side, kind);
  load();

  async function load() {
    const waiting = column(place, { title: t(`${kind}.title`) });
    fill(waiting, skeleton(4));
    try {
      const [group, me, all] = await Promise.all([call(`${kind}_one`, { id: params.id }), whoami(), spaces(true)]);
      if (!left)
        draw(
          group,
          me,
          all.find((space) => space.id === group.space_id),
        );
    } catch (error) {
      if (!left) fill(waiting, errorState(error, error.status === 404 ? null : load));
    }
  }

  function draw(group, me, space) {
    const owner = group.role === "owner";
    const body = column(place, {
      title: group.name,
      subtitle: [tn("members", group.member_count), group.role && t(`role.you.${group.role}`)]
        .filter(Boolean)
        .join(" · "),
      actions: [actions(group, me, owner)],
    });
    fill(
      body,
      group.archived_at &&
        h(
          "div",
          { class: "banner warn", role: "status" },
          icon("archive", 18),
          h("span", { class: "grow" }, t("groups.archived.body", { t: exactly(group.archived_at) })),
          owner &&
            h(
              "button",
              { class: "button small", type: "button", onclick: () => act("restore", "groups.restored") },
              t("groups.restore"),
            ),
        ),
      group.description && h("p", { class: "lead described" }, group.description),
      documents(group, space),
      membersSection({ kind, group, me, owner: owner && !group.archived_at, onchange: load }),
    );
  }

  function documents(group, space) {
    const address = `/knowledge?space=${encodeURIComponent(group.space_id)}`;
    return section(
      t("groups.documents"),
      {
        actions: [
          space?.may?.write &&
            h(
              "a",
              { class: "button", href: `${address}&add`, "data-link": true },
              icon("upload", 16),
              t("knowledge.add"),
            ),
        ],
      },
      h(
        "a",
        { class: "doc-row", href: address, "data-link": true },
        icon("knowledge", 18),
        h("span", { class: "doc-main doc-title" }, t("groups.documents.open")),
        space && h("span", { class: "quiet" }, tn("documents", space.document_count)),
        icon("right", 16),
      ),
    );
  }

  function actions(group, me, owner) {
    const button = h(
      "button",
      { class: "icon-button", type: "button", aria: { label: t("document.actions") } },
      icon("more"),
    );
    return menu(
      button,
      () => [
        owner && !group.archived_at && { label: t("groups.edit"), icon: "edit", onclick: () => edit(group) },
        owner &&
          !group.archived_at && { label: t("groups.transfer"), icon: "person", onclick: () => transfer(group, me) },
        owner && !group.archived_at && { label: t("groups.archive"), icon: "archive", onclick: () => archive(group) },
        owner &&
          group.archived_at && {
            label: t("groups.restore"),
            icon: "archive",
            onclick: () => act("restore", "groups.restored"),
          },
        group.role && { label: t("groups.leave"), icon: "right", onclick: () => leave(group, me) },
        owner && { label: t("groups.delete"), icon: "trash", danger: true, onclick: () => remove(group) },
      ],
      "below end",
    );
  }

  async function act(verb, done, payload = {}) {
    try {
      await call(`${kind}_${verb}`, { id: params.id, ...payload });
      notice(t(done));
      await load();
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function edit(group) {
    const done = await ask({
      title: t("groups.edit"),
      submit: t("save"),
      fields: [
        { name: "name", label: t("field.name"), value: group.name, required: true },
        {
          name: "description",
          label: t("groups.description"),
          value: group.description,
          type: "area",
          maxlength: 5000,
        },
      ],
      onsubmit: (values) => call(`${kind}_change`, { id: group.id, ...values }),
    });
    if (done) load();
  }

  async function transfer(group, me) {
    let chosen = null;
    const shown = h("p", { class: "quiet" }, t("groups.transfer.choose"));
    const find = picker({
      label: t("person.find"),
      exclude: (one) => one.id === me.id,
      onpick: (person) => {
        chosen = person;
        fill(shown, t("groups.transfer.to", { name: person.name }));
      },
    });
    const done = await ask({
      title: t("groups.transfer"),
      text: t("groups.transfer.body", { name: group.name }),
      submit: t("groups.transfer"),
      danger: true,
      fields: [find, shown],
      onsubmit: () => {
        if (chosen) return call(`${kind}_transfer`, { id: group.id, user_id: chosen.id });
        throw Object.assign(new Error(t("groups.transfer.choose")), { status: 422 });
      },
    });
    if (done) load();
  }

  async function archive(group) {
    const yes = await confirmDelete(
      `${t("groups.archive")}?`,
      t("groups.archive.body", { name: group.name }),
      t("groups.archive"),
    );
    if (yes) await act("archive", "groups.archived.done");
  }

  async function leave(group, me) {
    const yes = await confirmDelete(
      `${t("groups.leave")}?`,
      t("groups.leave.body", { name: group.name }),
      t("groups.leave"),
    );
    if (!yes) return;
    try {
      await call(`${kind}_remove_member`, { id: group.id, user_id: me.id });
      await spaces(true);
      notice(t("groups.left", { name: group.name }));
      go(`/${kind}`);
    } catch (error) {
      noticeProblem(error);
    }
  }

  async function remove(group) {
    const done = await askByName({
      title: t("groups.delete"),
      text: t("groups.delete.body", { name: group.name }),
      name: group.name,
      submit: t("delete"),
      onsubmit: () => call(`${kind}_delete`, { id: group.id }),
    });
    if (!done) return;
    notice(t("groups.deleted", { name: group.name }));
    go(`/${kind}`);
  }
}

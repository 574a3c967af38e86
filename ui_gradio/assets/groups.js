// Teams and projects: the list of those one is in. Both are the same kind of thing, under two names.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { choice, column, listing, searchField, sideNav } from "./listing.js";
import { emptyState, noticeProblem } from "./parts.js";
import { go } from "./router.js";
import { may, spaces, whoami } from "./session.js";
import { exactly, t, tn, when } from "./words.js";

export const groupAddress = (kind, id) => `/${kind}/${encodeURIComponent(id)}`;

export function groupsSide(side, kind) {
  sideNav(
    side,
    t("groups.side"),
    [
      ["/teams", t("teams.title"), "teams"],
      ["/projects", t("projects.title"), "project"],
    ],
    `/${kind}`,
  );
}

export const teamsPage = (view) => groupsPage("teams", view);
export const projectsPage = (view) => groupsPage("projects", view);

function groupsPage(kind, { place, side }) {
  groupsSide(side, kind);
  let q = "";
  let archived = "false";
  const button = h(
    "button",
    { class: "button primary", type: "button", hidden: true, onclick: () => create(kind) },
    icon("plus", 16),
    t(`${kind}.new`),
  );
  const body = column(place, { title: t(`${kind}.title`), subtitle: t(`${kind}.subtitle`), actions: [button] });
  whoami().then(
    (me) => {
      button.hidden = !may(me, "groups:create");
    },
    () => {}, // the list says what is wrong
  );
  const list = listing({
    label: t(`${kind}.title`),
    load: (cursor) => call(`${kind}_list`, { q, archived, cursor, limit: 30 }),
    empty: () =>
      q || archived === "true"
        ? h("p", { class: "side-empty" }, t(archived === "true" && !q ? "groups.noarchived" : "groups.nomatch", { q }))
        : emptyState(kind === "teams" ? "teams" : "project", t(`${kind}.empty.title`), t(`${kind}.empty`)),
    row: (group) =>
      h(
        "li",
        {},
        h(
          "a",
          { class: "doc-row", href: groupAddress(kind, group.id), "data-link": true },
          icon(kind === "teams" ? "teams" : "project", 18),
          h(
            "span",
            { class: "doc-main" },
            h("span", { class: "doc-title" }, group.name),
            group.description && h("span", { class: "quiet clip" }, group.description),
          ),
          group.archived_at && h("span", { class: "badge quiet" }, t("groups.archived")),
          h("span", { class: "quiet" }, tn("members", group.member_count)),
          h(
            "time",
            { class: "quiet", datetime: group.updated_at, title: exactly(group.updated_at) },
            when(group.updated_at),
          ),
        ),
      ),
  });
  body.append(
    h(
      "div",
      { class: "toolbar row" },
      searchField(t("groups.filter"), (text) => {
        q = text;
        list.refresh();
      }),
      choice(
        t("groups.show"),
        [
          ["false", t("groups.active")],
          ["true", t("groups.archived")],
        ],
        archived,
        (value) => {
          archived = value;
          list.refresh();
        },
      ),
    ),
    list.element,
  );
}

async function create(kind) {
  let teams = [];
  if (kind === "projects") {
    try {
      teams = (await call("teams_list", { archived: "false", limit: 100 })).items;
    } catch (error) {
      noticeProblem(error);
      return;
    }
  }
  const made = await ask({
    title: t(`${kind}.new`),
    text: t(`${kind}.new.body`),
    submit: t("knowledge.newspace.create"),
    fields: [
      { name: "name", label: t("field.name"), required: true, autofocus: true },
      { name: "description", label: t("groups.description"), type: "area", maxlength: 5000 },
      ...(teams.length
        ? [
            {
              name: "team_id",
              label: t("projects.team"),
              value: "",
              options: [["", t("projects.noteam")], ...teams.map((team) => [team.id, team.name])],
            },
          ]
        : []),
    ],
    onsubmit: async ({ team_id: team, ...values }) => {
      const group = await call(`${kind}_create`, team ? { ...values, team_id: team } : values);
      await spaces(true);
      return group;
    },
  });
  if (made) go(groupAddress(kind, made.id));
}

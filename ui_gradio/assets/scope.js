// Where a question looks: in some spaces, documents and kinds of sources only, or in what there was on a day.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { dialog } from "./parts.js";
import { picker } from "./people.js";
import { spaceName } from "./session.js";
import { day, has, t } from "./words.js";

const FOUND = 8;

/** A scope: {spaces, documents, kinds: [{id, name}], asOf: "2026-11-24" or null}. Nothing in it: everywhere. */
export const everywhere = () => ({ spaces: [], documents: [], kinds: [], asOf: null });

/** The scope that the API keeps with a conversation, with the names of what is in it. */
export async function scopeOf({ space_ids = [], document_ids = [], kinds = [], as_of: asOf = null } = {}) {
  const documents = document_ids.map(async (id) => {
    const name = await call("document", { id }).then(
      ({ title }) => title,
      () => t("scope.gone"), // deleted, or not to be read any more: it is still what the question is kept to
    );
    return { id, name };
  });
  return {
    spaces: space_ids.map((id) => ({ id, name: spaceName(id) ?? t("scope.gone") })),
    documents: await Promise.all(documents),
    kinds: kinds.map((id) => ({ id, name: kindName(id) })),
    asOf,
  };
}

/** The scope as a question carries it. */
export function sent({ spaces, documents, kinds, asOf }) {
  const ids = (list) => list.map((one) => one.id);
  return { space_ids: ids(spaces), document_ids: ids(documents), kinds: ids(kinds), as_of: asOf };
}

const kindName = (id) => (has(`search.kind.${id}`) ? t(`search.kind.${id}`) : id);

/** What a scope is made of: [{icon, name, drop()}]. */
function pieces(scope) {
  const listed = [
    ["spaces", "space"],
    ["documents", "file"],
    ["kinds", "filter"],
  ].flatMap(([field, name]) =>
    scope[field].map((one) => ({
      icon: name,
      name: one.name,
      drop: () => (scope[field] = scope[field].filter((other) => other !== one)),
    })),
  );
  if (scope.asOf)
    listed.push({
      icon: "clock",
      name: t("scope.asof.day", { day: day(scope.asOf) }),
      drop: () => (scope.asOf = null),
    });
  return listed;
}

export const isNarrow = (scope) => pieces(scope).length > 0;

/** A chip for each piece of the scope, to take it away; `changed()` is called after. */
export const scopeChips = (scope, changed) =>
  pieces(scope).map((piece) =>
    h(
      "button",
      {
        class: "tag small",
        type: "button",
        aria: { label: t("scope.drop", { name: piece.name }) },
        onclick: () => {
          piece.drop();
          changed();
        },
      },
      icon(piece.icon, 14),
      h("span", { class: "clip" }, piece.name),
      icon("x", 13),
    ),
  );

/** Under a question: where it looked, unless that was everywhere. */
export function scopeLine(scope) {
  const parts = scope ? pieces(scope) : [];
  if (!parts.length) return null;
  return h(
    "p",
    { class: "asked-in quiet" },
    parts.map((piece) => h("span", {}, icon(piece.icon, 14), piece.name)),
  );
}

/** What the menu of the scope offers, from the spaces of the reader. */
export function scopeItems(scope, spaces, kinds, changed) {
  const toggled = (field, one) => ({
    label: one.name,
    multiple: true,
    checked: scope[field].some((other) => other.id === one.id),
    onclick: () => {
      const without = scope[field].filter((other) => other.id !== one.id);
      scope[field] = without.length < scope[field].length ? without : [...scope[field], { id: one.id, name: one.name }];
      changed();
    },
  });
  return [
    {
      label: t("space.all"),
      multiple: true,
      checked: !isNarrow(scope),
      onclick: () => {
        Object.assign(scope, everywhere());
        changed();
      },
    },
    spaces.map((space) => toggled("spaces", space)),
    kinds.length > 1 && [h("hr"), kinds.map((id) => toggled("kinds", { id, name: kindName(id) }))],
    h("hr"),
    { label: t("scope.document"), icon: "file", onclick: () => pickDocument(scope, changed) },
    { label: t("scope.asof"), icon: "clock", onclick: () => pickDay(scope, changed) },
  ]
    .flat(Infinity)
    .filter(Boolean);
}

function pickDocument(scope, changed) {
  const box = dialog(
    t("scope.document"),
    "dialog",
    h("h2", {}, t("scope.document")),
    h("p", { class: "dialog-text" }, t("scope.document.about")),
    picker({
      label: t("knowledge.filter"),
      search: async (q) =>
        (await call("documents", { q, limit: FOUND })).items.map(({ id, title, space }) => ({
          id,
          name: title,
          email: space.name,
        })),
      exclude: (one) => scope.documents.some((other) => other.id === one.id),
      face: () => icon("file", 17),
      none: "knowledge.nomatch",
      onpick: ({ id, name }) => {
        scope.documents.push({ id, name });
        box.close();
        changed();
      },
    }),
    h(
      "div",
      { class: "row end" },
      h("button", { class: "button", type: "button", onclick: () => box.close() }, t("cancel")),
    ),
  );
  box.querySelector("input").focus();
}

async function pickDay(scope, changed) {
  const today = new Date().toISOString().slice(0, 10);
  await ask({
    title: t("scope.asof"),
    text: t("scope.asof.about"),
    submit: t("scope.asof.set"),
    fields: [
      { name: "day", label: t("scope.asof.label"), type: "date", value: scope.asOf ?? today, required: true, autofocus: true },
    ],
    onsubmit: ({ day: chosen }) => {
      scope.asOf = chosen;
      changed();
    },
  });
}

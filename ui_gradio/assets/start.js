// Where one starts: what this person can ask about.
import { askedQuestions } from "./asked.js";
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { emptyState, show, skeleton } from "./parts.js";
import { dueReminders } from "./reminders.js";
import { spaces, writableSpaces } from "./session.js";
import { t, tn, when } from "./words.js";

/** The heading and the points to start from. `doing`: {ask(question), scope(), changed()}. */
export function startPage(doing) {
  const start = h("div", { class: "start" });
  show(
    start,
    () => Promise.all([spaces(true), call("documents", { limit: 30 })]),
    ([all, recent]) => (recent.items.length ? points(all, recent.items, doing) : nothingYet()),
    () => skeleton(3),
  );
  return [
    h("div", { class: "hero" }, h("h1", {}, t("ask.title")), h("p", { class: "lead" }, t("ask.subtitle"))),
    askedQuestions(),
    dueReminders(),
    start,
  ];
}

function nothingYet() {
  return emptyState(
    "knowledge",
    t("ask.nothing.title"),
    t("ask.nothing"),
    writableSpaces().length > 0 &&
      h("a", { class: "button primary", href: "/knowledge?add", "data-link": true }, icon("upload", 16), t("ask.add")),
  );
}

function points(all, recent, doing) {
  const examples = worthAsking(recent);
  return [
    examples.length > 0 &&
      part(
        "ask.examples",
        h(
          "div",
          { class: "examples" },
          examples.map((document, at) => example(t(`ask.example.${(at % 2) + 1}`, { title: document.title }), doing)),
        ),
      ),
    part(
      "ask.spaces",
      h(
        "div",
        { class: "tags" },
        all.filter((space) => space.document_count > 0).map((space) => spaceTag(space, doing)),
      ),
    ),
    part("ask.recent", h("ul", { class: "recent" }, recent.slice(0, 4).map(recentRow))),
  ];
}

const part = (name, content) => h("section", {}, h("h2", { class: "label" }, t(name)), content);

const example = (question, doing) =>
  h(
    "button",
    { class: "example", type: "button", onclick: () => doing.ask(question) },
    h("span", {}, question),
    icon("right", 16),
  );

function spaceTag(space, { scope, changed }) {
  const chosen = () => scope().spaces.some((one) => one.id === space.id);
  return h(
    "button",
    {
      class: "tag",
      type: "button",
      data: { space: space.id },
      aria: { pressed: String(chosen()) },
      onclick: () => {
        const now = scope();
        now.spaces = chosen()
          ? now.spaces.filter((one) => one.id !== space.id)
          : [...now.spaces, { id: space.id, name: space.name }];
        changed();
      },
    },
    icon("space", 15),
    space.name,
    h("span", { class: "count" }, tn("documents", space.document_count)),
  );
}

/** Show in `place` which of the spaces are chosen. */
export function markChosen(place, scope) {
  for (const tag of place.querySelectorAll(".tag[data-space]"))
    tag.setAttribute("aria-pressed", String(scope.spaces.some((one) => one.id === tag.dataset.space)));
}

const recentRow = (document) =>
  h(
    "li",
    {},
    h(
      "a",
      { href: `/documents/${document.id}`, "data-link": true },
      icon("file", 16),
      h("span", { class: "grow clip" }, document.title),
      h("span", { class: "quiet" }, `${document.space.name} · ${when(document.updated_at)}`),
    ),
  );

/** Up to three documents that make a good example: read, of some length, with a title that says something. */
function worthAsking(documents) {
  const weight = ({ title, index }) => (/\s/.test(title.trim()) ? 2 : 0) + (index.chunk_count > 1 ? 1 : 0);
  return documents
    .filter(({ index }) => index.status === "indexed")
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, 3);
}

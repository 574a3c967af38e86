// Results of a search: documents with their best passages, or passages one by one.
import { Text, h, icon, marked } from "./dom.js";
import { documentUrl } from "./panel.js";
import { breadcrumb } from "./parts.js";
import { exactly, t, when } from "./words.js";

const ICONS = { document: "file", work_log: "clock", message: "ask" };
export const kindIcon = (kind) => ICONS[kind] ?? "file";

/** The documents of an answer in their order: {source, space, author, updated_at, hits}. Passages that stand alone
 *  are groups of one. */
export const groupsOf = (answer) =>
  answer.groups ??
  answer.hits.map((hit) => ({
    source: hit.source,
    space: hit.space,
    author: hit.author,
    updated_at: hit.updated_at,
    hits: [hit],
  }));

/** An <li> for each document. `from` counts the documents before them; `onpick(hit)` is called when a passage is
 *  clicked, `onexplain(hit, place)` when somebody asks why it is here. */
export function resultItems(groups, from, { onpick, onexplain }) {
  return groups.map((group, at) =>
    h("li", { class: "result" }, [
      heading(group, () => onpick(group.hits[0], { open: true })),
      h(
        "ol",
        { class: "passages" },
        group.hits.map((hit) => passage(hit, from + at + 1, onpick, onexplain)),
      ),
    ]),
  );
}

const authorName = (author) => (typeof author === "string" ? author : author?.name);
const plainClick = (event) => !(event.metaKey || event.ctrlKey || event.shiftKey || event.button);

function heading({ source, space, author, updated_at: at, hits }, onopen) {
  const first = hits[0];
  return h(
    "div",
    { class: "result-head" },
    h(
      "a",
      {
        class: "result-title",
        href: first ? documentUrl(source, first.start, first.end) : documentUrl(source),
        "data-link": true,
        onclick: (event) => plainClick(event) && first && onopen(),
      },
      icon(kindIcon(source.kind), 16),
      h("span", { class: "clip" }, source.title),
    ),
    h(
      "span",
      { class: "quiet result-byline", title: exactly(at) },
      [space?.name, source.category, authorName(author), when(at)].filter(Boolean).join(" · "),
    ),
  );
}

function passage(hit, position, onpick, onexplain) {
  const why = h("div", { class: "why" });
  const button = h(
    "button",
    {
      class: "icon-button small why-button",
      type: "button",
      title: t("search.why"),
      aria: { label: t("search.why"), expanded: "false" },
      onclick: async () => {
        const open = button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", String(open));
        if (open) await onexplain(hit, why);
        else why.replaceChildren();
      },
    },
    icon("info", 16),
  );
  const crumbs = breadcrumb(null, hit.heading, hit.page, hit.source.title);
  return h(
    "li",
    { class: "passage", data: { chunk: hit.chunk_id, position } },
    h(
      "a",
      {
        class: "result-link",
        href: documentUrl(hit.source, hit.start, hit.end),
        onclick: (event) => {
          if (!plainClick(event)) return;
          event.preventDefault();
          onpick(hit);
        },
      },
      crumbs.childNodes.length > 0 && h("span", { class: "result-crumbs" }, crumbs),
      h("span", { class: "result-text" }, snippet(hit)),
    ),
    button,
    why,
  );
}

/** The part of the hit's text that shows most of the matched words, these marked. */
export function snippet({ text, highlights = [], excerpt }) {
  const whole = new Text(text);
  const [start, end] = excerpt?.[1] > excerpt?.[0] ? excerpt : [0, whole.length];
  const spans = highlights
    .map(([from, to]) => [Math.max(from, start) - start, Math.min(to, end) - start])
    .filter(([from, to]) => to > from);
  return [start > 0 && "… ", marked(whole.slice(start, end), spans), end < whole.length && " …"];
}

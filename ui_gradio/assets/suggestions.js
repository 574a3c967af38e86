// Suggestions while typing: what kinds there are, what each looks like, and where it leads.
import { call } from "./bridge.js";
import { h, icon, marked } from "./dom.js";
import { documentUrl } from "./panel.js";
import { term } from "./querylanguage.js";
import { t } from "./words.js";

const ICONS = { query: "clock", document: "file", space: "space", category: "folder", tag: "tag", person: "person" };
const FIELDS = { space: "in", category: "category", tag: "tag", person: "by" };

export const suggest = async (q, limit = 8) => (await call("suggest", { q: q.slice(0, 200), limit })).items;

/** The suggestions by kind, in a fixed order: [[label, items]]. */
export const byKind = (items) =>
  Object.keys(ICONS)
    .map((kind) => [t(`suggest.${kind}`), items.filter((one) => one.kind === kind)])
    .filter(([, those]) => those.length);

export const suggestionIcon = ({ kind }) => icon(ICONS[kind] ?? "search", 16);
export const suggestionText = ({ text, matches }) => marked(text, matches ?? [], "b");

/** What the search box says when the suggestion is taken; null when it leads to a page instead. */
export const searchFor = ({ kind, text }) =>
  kind === "query" ? text : FIELDS[kind] ? `${term(FIELDS[kind], text)} ` : null;

/** The page of a suggestion. */
export function pageOf(suggestion) {
  const { kind, id, url } = suggestion;
  if (kind === "document") return url?.startsWith("/") ? url : documentUrl({ id });
  if (kind === "space") return `/knowledge?space=${encodeURIComponent(id)}`;
  return `/search?q=${encodeURIComponent(searchFor(suggestion).trim())}`;
}

/** A group of options in a list box. */
export const optionGroup = (label, options) =>
  options.length > 0 &&
  h("div", { role: "group", aria: { label } }, h("p", { class: "label", aria: { hidden: "true" } }, label), options);

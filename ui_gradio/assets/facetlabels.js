// What the values of facets and filters are called. Ids are named by the answers that brought them.
import { spaces } from "./session.js";
import { DAYS } from "./searchstate.js";
import { has, month, t } from "./words.js";

const names = { spaces: new Map(), authors: new Map() };

/** Learn the names of spaces and people that an answer's facets have. */
export function learnNames(facets) {
  for (const [name, known] of Object.entries(names))
    for (const one of facets?.[name] ?? []) known.set(String(one.value), one.label);
}

/** Learn the names of the spaces that one may read. */
export async function learnSpaces() {
  const all = await spaces();
  for (const space of all) names.spaces.set(space.id, space.name);
  return all;
}

/** The name of a value of `kinds`, `spaces`, `authors`, `categories`, `tags`, `mode` or `when`. */
export function facetLabel(name, value) {
  if (name === "kinds") return has(`search.kind.${value}`) ? t(`search.kind.${value}`) : value;
  if (name === "mode") return t(`search.mode.${value}`);
  if (name === "when") return DAYS.includes(value) ? t(`search.when.${value}`) : month(value);
  if (name in names) return names[name].get(value) || t(`search.unnamed.${name}`);
  return value;
}

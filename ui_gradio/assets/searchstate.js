// What is searched for: as it stands in the address, and as it is asked of the API.

export const MODES = ["hybrid", "semantic", "keyword"];
export const SORTS = ["relevance", "newest", "oldest"];
export const ALERTS = ["none", "instant", "daily", "weekly"];
export const DAYS = ["7", "30", "365"];
export const PAGE_SIZE = 20;

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
// Filters with several values: the name in the state (and of the facet), in the address, in the API.
export const LISTS = [
  ["kinds", "kind", "kinds"],
  ["spaces", "space", "space_ids"],
  ["authors", "author", "author_ids"],
  ["categories", "category", "categories"],
  ["tags", "tag", "tags"],
];

const oneOf = (values, value, otherwise) => (values.includes(value) ? value : otherwise);

/** The state that an address describes: ?q=&mode=&sort=&view=&kind=&space=&author=&category=&tag=&days=|month=&exact=
 *  &saved= */
export function fromAddress(query) {
  const month = query.get("month") ?? "";
  return {
    q: query.get("q") ?? "",
    mode: oneOf(MODES, query.get("mode"), "hybrid"),
    sort: oneOf(SORTS, query.get("sort"), "relevance"),
    group: query.get("view") !== "passages",
    correct: !query.has("exact"),
    when: MONTH.test(month) ? month : oneOf(DAYS, query.get("days"), ""),
    saved: query.get("saved") ?? "",
    ...Object.fromEntries(LISTS.map(([name, short]) => [name, [...new Set(query.getAll(short))]])),
  };
}

export function toAddress(state) {
  const query = new URLSearchParams();
  if (state.q.trim()) query.set("q", state.q.trim());
  if (state.mode !== "hybrid") query.set("mode", state.mode);
  if (state.sort !== "relevance") query.set("sort", state.sort);
  if (!state.group) query.set("view", "passages");
  if (!state.correct) query.set("exact", "");
  for (const [name, short] of LISTS) for (const value of state[name]) query.append(short, value);
  if (state.when) query.set(MONTH.test(state.when) ? "month" : "days", state.when);
  if (state.saved) query.set("saved", state.saved);
  const text = query.toString();
  return text ? `/search?${text}` : "/search";
}

/** The filters of the API that `state` asks for. */
export function filtersOf(state) {
  const filters = {};
  for (const [name, , field] of LISTS) if (state[name].length) filters[field] = state[name];
  if (MONTH.test(state.when)) {
    const [year, month] = state.when.split("-").map(Number);
    filters.updated_after = new Date(Date.UTC(year, month - 1)).toISOString();
    filters.updated_before = new Date(Date.UTC(year, month)).toISOString();
  } else if (state.when) {
    filters.updated_after = new Date(Date.now() - state.when * 864e5).toISOString();
  }
  return filters;
}

/** The state of a saved search. */
export function fromSaved({ id, query, mode, filters }) {
  const after = filters?.updated_after;
  return {
    ...fromAddress(new URLSearchParams()),
    q: query,
    mode: oneOf(MODES, mode, "hybrid"),
    when: after && filters.updated_before ? after.slice(0, 7) : "",
    saved: id,
    ...Object.fromEntries(LISTS.map(([name, , field]) => [name, filters?.[field] ?? []])),
  };
}

/** How many filters are set, without those in the query's own language. */
export const filterCount = (state) =>
  LISTS.reduce((sum, [name]) => sum + state[name].length, 0) + (state.when ? 1 : 0) + (state.mode !== "hybrid" ? 1 : 0);

export const noFilters = () => ({ ...Object.fromEntries(LISTS.map(([name]) => [name, []])), when: "", mode: "hybrid" });

/** Whether there is anything to search for: words, or a condition that something can meet. */
export const asksSomething = (state) =>
  Boolean(state.q.trim() || state.when || LISTS.some(([name]) => state[name].length));

/** The request of the API for the first page of `state`. */
export function requestOf(state) {
  return {
    query: state.q.trim(),
    k: PAGE_SIZE,
    mode: state.mode,
    sort: state.sort,
    group: state.group,
    correct: state.correct,
    facets: true,
    filters: filtersOf(state),
  };
}

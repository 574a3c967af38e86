// Asking for results while somebody types: the newest question wins, pages follow by cursor, and a search counts as one
// (is logged) when Enter is pressed or the typing rests.
import { call } from "./bridge.js";

const REST_MS = 1200;

/** `onwait()`, `onfound(found, request)` and `onproblem(error)` are called for the newest question only.
 *  `onlogged(id)` when the search has become one of the log. */
export function searching({ onwait, onfound, onproblem, onlogged }) {
  let ticket = 0;
  let pause = 0;
  let rest = 0;
  let request = null; // the question under way, or the one whose answer is shown
  let found = null; // the answer shown, all its pages
  let recording = null; // a promise of the id of the logged search
  let wanted = false; // Enter was pressed before the answer came

  function forget() {
    ticket++;
    clearTimeout(pause);
    clearTimeout(rest);
    request = null;
    found = null;
    recording = null;
    wanted = false;
  }

  /** Ask `body` after `delay` ms. `log`: it is a search already; `id`: it was one before, under this id. */
  function ask(body, { delay = 0, log = false, id = null } = {}) {
    forget();
    request = body;
    if (id) recording = Promise.resolve(id);
    pause = setTimeout(() => run(ticket, log), delay);
  }

  async function run(mine, log) {
    pause = 0;
    onwait();
    try {
      const answer = await call("search", { ...request, log });
      if (mine !== ticket) return;
      found = answer;
      if (log) logged(answer.search_id);
      else if (wanted) record();
      else if (!recording) rest = setTimeout(record, REST_MS);
      onfound(answer, request);
    } catch (error) {
      if (mine === ticket) onproblem(error);
    }
  }

  function logged(id) {
    recording = Promise.resolve(id ?? null);
    onlogged(id ?? null);
  }

  /** The shown search becomes one of the log. Resolves to its id, null where searches are not recorded. */
  function record() {
    clearTimeout(rest);
    if (recording || !found) return recording ?? Promise.resolve(null);
    const mine = ticket;
    recording = call("search", { ...request, facets: false, log: true }).then(
      ({ search_id: id }) => {
        if (mine === ticket) onlogged(id ?? null);
        return id ?? null;
      },
      () => null, // the results are there; only the log lacks this search
    );
    return recording;
  }

  return {
    ask,
    record,
    stop: forget,
    /** What is shown, to be shown again: {request, found}; null before there is anything. */
    shown: () => found && { request, found },
    /** Show again what was shown; it was logged under `id`, if at all. */
    restore(shown, id) {
      forget();
      ({ request, found } = shown);
      if (id) recording = Promise.resolve(id);
      onfound(found, request);
    },
    /** Enter: ask at once what is still waiting, or take the shown answer for a search. */
    commit() {
      if (pause && request) {
        clearTimeout(pause);
        run(ticket, true);
      } else if (found) record();
      else wanted = true;
    },
    /** The next page; gives only what is new, null when another question has been asked since. */
    async more() {
      const mine = ticket;
      const page = await call("search", { ...request, cursor: found.next_cursor, facets: false, log: false });
      if (mine !== ticket) return null;
      found = { ...found, hits: [...found.hits, ...page.hits], next_cursor: page.next_cursor };
      if (found.groups) found.groups = [...found.groups, ...(page.groups ?? [])];
      return page;
    },
    /** The same search, with how each of its first `k` hits came to its place: a map from chunk to explanation. */
    async explained(k) {
      const answer = await call("search", {
        ...request,
        k: Math.min(k, 100),
        facets: false,
        log: false,
        explain: true,
      });
      const hits = answer.groups ? answer.groups.flatMap((group) => group.hits) : answer.hits;
      return new Map(hits.map((hit) => [hit.chunk_id, hit.explain]));
    },
    /** A hit was opened: its place (from 1) is told to the log. */
    async opened(hit, position) {
      const id = await record();
      if (!id) return;
      // What was opened is a help for ranking, nothing that the reader waits for.
      await call("search_click", { id, chunk_id: hit.chunk_id, position }).catch(() => {});
    },
  };
}

// Who is signed in and what they may use; asked once, kept for the life of the page.
import { call } from "./bridge.js";

let me = null;
let list = null;
let known = [];

/** `fresh` asks again (the profile has changed). */
export function whoami(fresh = false) {
  if (fresh) me = null;
  me ??= call("me").catch((error) => {
    me = null;
    throw error;
  });
  return me;
}

/** Whether the person `me` has a permission, such as "users:manage". What they may do to one thing the API says. */
export const may = (person, permission) => (person.permissions ?? []).includes(permission);

/** The spaces that the person may read; `fresh` asks again (counts change). */
export function spaces(fresh = false) {
  if (fresh || !list) {
    list = all().catch((error) => {
      list = null;
      throw error;
    });
  }
  return list;
}

async function all() {
  const items = [];
  let cursor;
  do {
    const page = await call("spaces", { cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  known = items;
  return items;
}

/** The spaces to which the person may add documents, of those asked for so far. */
export const writableSpaces = () => known.filter((space) => space.may.write);

/** Whether it is one of the spaces asked for so far, and not just that of a document that was shared. */
export const isMine = (id) => known.some((space) => space.id === id);

/** The name of one of the spaces asked for so far. */
export const spaceName = (id) => known.find((space) => space.id === id)?.name;

export const mayWrite = (id) => writableSpaces().some((space) => space.id === id);

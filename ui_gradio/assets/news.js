// How much saved searches have found that their owner has not looked at: counted on the rail.
import { call } from "./bridge.js";
import { h } from "./dom.js";
import { number, t } from "./words.js";

const MOST = 100;
const PAUSE_MS = 60_000;
let looked = 0;

/** The badge for the rail. */
export const newsBadge = h("span", { class: "new-count rail-count", hidden: true });

/** All saved searches; the rail counts their news. Throws a Problem. */
export async function savedSearches() {
  looked = Date.now();
  const { items } = await call("saved_searches", { limit: MOST });
  const count = items.reduce((sum, one) => sum + one.new, 0);
  newsBadge.hidden = !count;
  newsBadge.replaceChildren(count > 99 ? "99+" : number(count), h("span", { class: "sr-only" }, ` ${t("saved.new")}`));
  return items;
}

/** Count again, when that was not just done. Called when somebody goes to another page, and by no timer: a page that
 *  nobody uses must not keep the session alive, nor take anybody away to sign in. */
export function lookForNews() {
  if (Date.now() - looked > PAUSE_MS) savedSearches().catch(() => {}); // the next look will do
}

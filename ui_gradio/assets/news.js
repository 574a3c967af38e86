// How much saved searches have found that their owner has not looked at: counted on the rail.
import { call } from "./bridge.js";
import { h } from "./dom.js";
import { number, t } from "./words.js";

const MOST = 100;
const PAUSE_MS = 60_000;
const badge = h("span", { class: "new-count rail-count", hidden: true });

/** All saved searches; the rail counts their news. Throws a Problem. */
export async function savedSearches() {
  const { items } = await call("saved_searches", { limit: MOST });
  const count = items.reduce((sum, one) => sum + one.new, 0);
  badge.hidden = !count;
  badge.replaceChildren(count > 99 ? "99+" : number(count), h("span", { class: "sr-only" }, ` ${t("saved.new")}`));
  return items;
}

/** A badge that counts the news, looked at again and again while the page is seen. */
export function newsBadge() {
  const look = () => document.visibilityState === "visible" && savedSearches().catch(() => {}); // the next look will do
  setInterval(look, PAUSE_MS);
  document.addEventListener("visibilitychange", look);
  look();
  return badge;
}

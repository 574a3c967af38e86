// Searches that one keeps: the list beside the results, keeping and changing one, and what has been found since.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { savedSearches } from "./news.js";
import { documentUrl } from "./panel.js";
import { menu, notice, noticeProblem } from "./parts.js";
import { kindIcon } from "./results.js";
import { ALERTS, DAYS, filtersOf, fromSaved, toAddress } from "./searchstate.js";
import { number, t, tn, when } from "./words.js";

const BELLS = new Set(["instant", "daily", "weekly"]);

/** A list of the saved searches in `place`; `current()` is the id of the one that is shown, `onopen(state)` shows one.
 *  Gives {refresh}, which draws it and resolves to the saved searches. */
export function savedList(place, current, onopen) {
  let all = [];

  async function refresh() {
    try {
      all = await savedSearches();
      draw();
    } catch {
      fill(place, section(h("p", { class: "side-empty" }, t("saved.problem"), " ", again())));
    }
    return all;
  }

  const again = () => h("button", { class: "link", type: "button", onclick: () => refresh() }, t("retry"));
  const section = (...content) =>
    h("section", { class: "side-list saved-searches" }, h("h2", { class: "label" }, t("saved.title")), content);

  function draw() {
    fill(place, all.length > 0 && section(h("ul", { class: "one-line" }, all.map(row))));
  }

  function row(one) {
    const address = toAddress(fromSaved(one));
    const open = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      onopen(fromSaved(one));
    };
    const button = h(
      "button",
      { class: "icon-button small", type: "button", aria: { label: t("saved.actions", { name: one.name }) } },
      icon("more", 15),
    );
    return h(
      "li",
      { class: one.id === current() ? "current" : "" },
      h(
        "a",
        { href: address, onclick: open, title: one.query, aria: one.id === current() ? { current: "true" } : {} },
        h("span", { class: "clip grow" }, one.name),
        BELLS.has(one.alert) && icon("bell", 13),
        one.new > 0 &&
          h("span", { class: "new-count" }, number(one.new), h("span", { class: "sr-only" }, ` ${t("saved.new")}`)),
      ),
      menu(
        button,
        () => [
          { label: t("saved.change"), icon: "edit", onclick: () => change(one) },
          { label: t("delete"), icon: "trash", danger: true, onclick: () => remove(one) },
        ],
        "below end",
      ),
    );
  }

  async function change(one) {
    const values = await details(t("saved.change"), one, (given) =>
      call("change_saved_search", { id: one.id, ...given }),
    );
    if (values) refresh();
  }

  async function remove(one) {
    const { name, query, mode, filters, alert } = one;
    const undo = async () => {
      try {
        await call("save_search", { name, query, mode, filters, alert });
        refresh();
      } catch (error) {
        noticeProblem(error);
      }
    };
    try {
      await call("delete_saved_search", { id: one.id });
      notice(t("saved.deleted", { name }), false, undo);
      refresh();
    } catch (error) {
      noticeProblem(error);
    }
  }

  return { refresh };
}

/** Keep the search of `state`; resolves to it as it is kept, or to undefined when one thought better of it. */
export const keep = (state, name) =>
  details(t("saved.keep"), { name, alert: "none" }, (given) =>
    // "The past week" would stay this week for ever: what is new is what the alert tells anyway.
    call("save_search", {
      ...given,
      query: state.q.trim(),
      mode: state.mode,
      filters: filtersOf(DAYS.includes(state.when) ? { ...state, when: "" } : state),
    }),
  );

const details = (title, { name, alert }, onsubmit) =>
  ask({
    title,
    submit: t("save"),
    fields: [
      { name: "name", label: t("saved.name"), value: name, required: true, maxlength: 200, autofocus: true },
      {
        name: "alert",
        label: t("saved.alert"),
        value: alert,
        hint: t("saved.alert.hint"),
        options: ALERTS.map((one) => [one, t(`saved.alert.${one}`)]),
      },
    ],
    onsubmit,
  });

/** What a saved search has found that its owner has not looked at, in `place`; then it counts as seen. */
export async function showNews(place, one, onseen) {
  try {
    const { items } = await call("saved_search_news", { id: one.id, limit: 10 });
    const fresh = items.filter((item) => !item.seen_at);
    if (!fresh.length) return;
    fill(
      place,
      h(
        "section",
        { class: "news", aria: { label: t("saved.news.label") } },
        h("h2", { class: "label" }, tn("saved.news", one.new)),
        h(
          "ul",
          {},
          fresh.map(({ source, space, found_at: at }) =>
            h(
              "li",
              {},
              h(
                "a",
                { href: documentUrl(source), "data-link": true },
                icon(kindIcon(source.kind), 16),
                h("span", { class: "clip grow" }, source.title),
                h("span", { class: "quiet" }, [space?.name, when(at)].filter(Boolean).join(" · ")),
              ),
            ),
          ),
        ),
      ),
    );
    await call("saved_search_seen", { id: one.id });
    onseen();
  } catch (error) {
    noticeProblem(error);
  }
}

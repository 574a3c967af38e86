// The list beside Ask: earlier conversations.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { confirmDelete, noticeProblem, show, skeleton } from "./parts.js";
import { t, when } from "./words.js";

/** Draw the conversations into `side`; `current()` is the id of the open one, `ondeleted` gets that of one deleted. */
export function historyList(side, current, ondeleted) {
  const list = h("div", { class: "side-list" });
  fill(
    side,
    h(
      "div",
      { class: "side-head" },
      h("h2", {}, t("ask.history")),
      h(
        "a",
        { class: "icon-button", href: "/", "data-link": true, title: t("ask.new"), aria: { label: t("ask.new") } },
        icon("plus"),
      ),
    ),
    list,
  );
  let items = [];
  let cursor = null;
  const draw = () => {
    if (!items.length) return h("p", { class: "side-empty" }, t("ask.history.none"));
    return [
      h(
        "ul",
        {},
        items.map((one) =>
          h(
            "li",
            { class: one.id === current() ? "current" : "" },
            h(
              "a",
              {
                href: `/conversations/${encodeURIComponent(one.id)}`,
                "data-link": true,
                title: one.title,
                aria: one.id === current() ? { current: "page" } : {},
              },
              h("span", { class: "clip" }, one.title || t("ask.new")),
              h("span", { class: "quiet" }, when(one.updated_at)),
            ),
            h(
              "button",
              {
                class: "icon-button small",
                type: "button",
                aria: { label: `${t("delete")}: ${one.title}` },
                onclick: () => remove(one),
              },
              icon("trash", 15),
            ),
          ),
        ),
      ),
      cursor && h("button", { class: "more", type: "button", onclick: more }, t("more")),
    ];
  };
  const take = (page) => {
    items = page.items;
    cursor = page.next_cursor;
    return draw();
  };
  const more = async () => {
    try {
      const page = await call("conversations", { cursor });
      items.push(...page.items);
      cursor = page.next_cursor;
      fill(list, draw());
    } catch (error) {
      noticeProblem(error);
    }
  };
  const remove = async (one) => {
    if (!(await confirmDelete(t("ask.history.delete"), t("ask.history.delete.body", { title: one.title })))) return;
    try {
      await call("delete_conversation", { id: one.id });
      ondeleted(one.id);
      refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const refresh = async () => {
    try {
      fill(list, take(await call("conversations")));
    } catch (error) {
      noticeProblem(error);
    }
  };
  show(
    list,
    () => call("conversations"),
    take,
    () => skeleton(4, "lines"),
  );
  return { refresh };
}

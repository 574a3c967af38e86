// The list beside Ask: one's conversations and those that others share, to find, rename, share, export and delete.
import { call } from "./bridge.js";
import { openConversationShare } from "./conversationshare.js";
import { fill, h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { searchField } from "./listing.js";
import { confirmDelete, menu, notice, noticeProblem, show, skeleton } from "./parts.js";
import { t, when } from "./words.js";

/** Draw the conversations into `side`; `current()` is the id of the open one, `ondeleted` gets that of one deleted. */
export function historyList(side, current, ondeleted) {
  const list = h("div", { class: "side-list", onkeydown: walk });
  let shared = false;
  let q = "";
  let items = [];
  let cursor = null;
  const find = searchField(t("ask.history.find"), (value) => {
    q = value;
    load();
  });
  const tabs = [false, true].map((one) =>
    h(
      "button",
      {
        class: "tab",
        type: "button",
        aria: { pressed: String(one === shared) },
        onclick: () => {
          shared = one;
          tabs.forEach((tab, at) => tab.setAttribute("aria-pressed", String(Boolean(at) === shared)));
          load();
        },
      },
      t(one ? "ask.history.shared" : "ask.history.mine"),
    ),
  );
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
    h("div", { class: "side-tools" }, find, h("div", { class: "tabs", role: "group" }, tabs)),
    list,
  );
  load();

  function fetch(from) {
    return call("conversations", { cursor: from, q, shared: String(shared) });
  }

  function load() {
    return show(
      list,
      () => fetch(),
      take,
      () => skeleton(4, "lines"),
    );
  }

  function take(page) {
    items = page.items;
    cursor = page.next_cursor;
    return draw();
  }

  function draw() {
    if (!items.length) {
      const words = q ? t("ask.history.nomatch", { q }) : t(shared ? "ask.history.shared.none" : "ask.history.none");
      return h("p", { class: "side-empty" }, words);
    }
    return [h("ul", {}, items.map(row)), cursor && h("button", { class: "more", type: "button", onclick: more }, t("more"))];
  }

  function row(one) {
    const open = one.id === current();
    return h(
      "li",
      { class: open ? "current" : "" },
      h(
        "a",
        {
          href: `/conversations/${encodeURIComponent(one.id)}`,
          "data-link": true,
          title: one.title,
          aria: open ? { current: "page" } : {},
        },
        h("span", { class: "clip" }, one.title || t("ask.new")),
        h(
          "span",
          { class: "quiet clip" },
          one.mine === false && `${one.owner.name} · `,
          when(one.updated_at),
          one.shared && one.mine && ` · ${t("ask.history.isshared")}`,
        ),
      ),
      menu(
        h(
          "button",
          { class: "icon-button small", type: "button", aria: { label: t("ask.history.actions", { title: one.title }) } },
          icon("more", 16),
        ),
        () => actions(one),
        "below end",
      ),
    );
  }

  function actions(one) {
    const exported = (format) => ({
      label: t(`conversation.export.${format}`),
      icon: "download",
      href: `/api/v1/assistant/conversations/${encodeURIComponent(one.id)}/export?format=${format}`,
      download: "",
    });
    const mine = one.mine !== false;
    return [
      mine && { label: t("conversation.rename"), icon: "edit", onclick: () => rename(one) },
      mine && { label: t("conversation.share"), icon: "share", onclick: () => openConversationShare(one, refresh) },
      exported("markdown"),
      exported("json"),
      mine && { label: t("delete"), icon: "trash", danger: true, onclick: () => remove(one) },
    ];
  }

  /** The arrows go from one conversation to the next. */
  function walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...list.querySelectorAll("a")].filter((link) => !link.closest(".menu"));
    const at = links.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    links[at + step]?.focus();
  }

  async function more(event) {
    event.currentTarget.disabled = true;
    try {
      const page = await fetch(cursor);
      items.push(...page.items);
      cursor = page.next_cursor;
    } catch (error) {
      noticeProblem(error);
    }
    fill(list, draw());
  }

  async function rename(one) {
    const done = await ask({
      title: t("conversation.rename"),
      submit: t("save"),
      fields: [
        { name: "title", label: t("conversation.title"), value: one.title, required: true, maxlength: 200, autofocus: true },
      ],
      onsubmit: ({ title }) => call("rename_conversation", { id: one.id, title }),
    });
    if (done) refresh();
  }

  async function remove(one) {
    if (!(await confirmDelete(t("ask.history.delete"), t("ask.history.delete.body", { title: one.title })))) return;
    try {
      await call("delete_conversation", { id: one.id });
      notice(t("ask.history.deleted", { title: one.title }));
      ondeleted(one.id);
      refresh();
    } catch (error) {
      noticeProblem(error);
    }
  }

  /** Look again, without a skeleton; what is asked for later wins. */
  async function refresh() {
    const ticket = (list.ticket = Symbol("refresh"));
    try {
      const page = await fetch();
      if (list.ticket === ticket) fill(list, take(page));
    } catch (error) {
      noticeProblem(error);
    }
  }

  return { refresh };
}

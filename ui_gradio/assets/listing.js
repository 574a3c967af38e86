// Lists that come page by page, and the frame of the pages that hold them.
import { append, fill, h, icon } from "./dom.js";
import { noticeProblem, show, skeleton } from "./parts.js";
import { t } from "./words.js";

/** A list: `load(cursor)` gives {items, next_cursor}, `row(item)` an <li>, `empty()` what stands there when there is
 *  nothing. Gives {element, refresh}. */
export function listing({ load, row, empty, label, className = "rows" }) {
  const element = h("div", { class: "listing" });
  const refresh = () =>
    show(
      element,
      () => load(),
      draw,
      () => skeleton(3, "lines"),
    );

  function draw(page) {
    if (!page.items.length) return empty();
    const list = h("ul", { class: className, aria: { label } }, page.items.map(row));
    return [list, next(list, page.next_cursor)];
  }

  function next(list, cursor) {
    if (!cursor) return null;
    const button = h("button", { class: "more", type: "button" }, t("more"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const page = await load(cursor);
        append(list, page.items.map(row));
        const following = next(list, page.next_cursor);
        following ? button.replaceWith(following) : button.remove();
      } catch (error) {
        button.disabled = false;
        noticeProblem(error);
      }
    });
    return button;
  }

  refresh();
  return { element, refresh };
}

/** A quiet sentence where a list would be. */
export const nothing = (text) => h("p", { class: "side-empty" }, text);

/** The column of a page with a heading; gives the place for what comes under it. */
export function column(place, { title, subtitle, actions = [] }) {
  const body = h("div", { class: "sections" });
  fill(
    place,
    h(
      "div",
      { class: "scroll" },
      h(
        "div",
        { class: "column wide" },
        h(
          "header",
          { class: "page-head" },
          h("div", { class: "grow" }, h("h1", {}, title), subtitle && h("p", { class: "quiet" }, subtitle)),
          actions,
        ),
        body,
      ),
    ),
  );
  return body;
}

/** A part of a page, with a heading of its own. */
export function section(title, { text, actions = [], danger = false } = {}, ...content) {
  return h(
    "section",
    { class: danger ? "section danger-zone" : "section", aria: { label: title } },
    h(
      "header",
      { class: "section-head" },
      h("div", { class: "grow" }, h("h2", {}, title), text && h("p", { class: "quiet" }, text)),
      actions,
    ),
    content,
  );
}

/** The list beside a page: `entries` are [address, label, icon]. */
export function sideNav(side, title, entries, current) {
  fill(
    side,
    h("div", { class: "side-head" }, h("h2", {}, title)),
    h(
      "nav",
      { class: "side-list", aria: { label: title } },
      h(
        "ul",
        { class: "one-line" },
        entries.map(([address, label, name]) =>
          h(
            "li",
            { class: address === current ? "current" : "" },
            h(
              "a",
              { href: address, "data-link": true, aria: address === current ? { current: "page" } : {} },
              icon(name, 16),
              h("span", { class: "clip grow" }, label),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A text field that calls `onchange` when the typing pauses. */
export function searchField(label, onchange) {
  let timer = 0;
  const input = h("input", { class: "field", type: "search", placeholder: label, maxlength: "200", aria: { label } });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => onchange(input.value.trim()), 200);
  });
  return input;
}

/** A choice among `options` ([[value, label]]). */
export function choice(label, options, value, onchange) {
  return h(
    "select",
    { class: "field choice", aria: { label }, onchange: (event) => onchange(event.target.value, event.target) },
    options.map(([one, words]) => h("option", { value: one, selected: one === value }, words)),
  );
}

// Small parts that several pages use: states of a list, dialogs, menus, notices.
import { fill, h, icon } from "./dom.js";
import { t } from "./words.js";

/** What a person reads about a Problem: {title, detail}. */
export function explain(problem) {
  if (problem.status === 0 || problem.code === "unreachable") {
    return { title: t("problem.title"), detail: t("problem.unreachable") };
  }
  if (problem.status === 404) return { title: t("problem.missing.title"), detail: t("problem.missing") };
  if (problem.status === 403)
    return { title: t("problem.forbidden.title"), detail: problem.message || t("problem.forbidden") };
  const { title, detail, request_id: id } = problem.document ?? {};
  const words = detail && detail !== title ? detail : "";
  return {
    title: title || t("problem.title"),
    detail: problem.status >= 500 && id ? `${words} (${id})` : words || problem.message,
  };
}

/** Programming errors are not problems: they belong in the console, and the person is told that it did not work. */
export function asProblem(error) {
  if (error.status !== undefined) return error;
  console.error(error);
  return { status: 500, document: { title: t("problem.title"), detail: String(error.message ?? error) } };
}

/** What happened and how to try again; where the person has no permission, trying again is no use. */
export function errorState(error, onretry) {
  const problem = asProblem(error);
  const { title, detail } = explain(problem);
  const refused = problem.status === 403;
  return h(
    "div",
    { class: "state", role: "alert" },
    h("span", { class: refused ? "state-icon" : "state-icon bad" }, icon(refused ? "lock" : "alert", 22)),
    h("h2", {}, title),
    h("p", {}, detail),
    onretry &&
      !refused &&
      h("button", { class: "button", type: "button", onclick: onretry }, icon("retry", 16), t("retry")),
  );
}

export function emptyState(name, title, text, ...actions) {
  return h(
    "div",
    { class: "state" },
    h("span", { class: "state-icon" }, icon(name, 22)),
    h("h2", {}, title),
    h("p", {}, text),
    actions.length > 0 && h("div", { class: "row center" }, actions),
  );
}

export function skeleton(rows = 4, kind = "text") {
  return h(
    "div",
    { class: `skeleton ${kind}`, role: "status", aria: { label: t("loading") } },
    Array.from({ length: rows }, () => h("div", {}, h("span"), h("span"))),
  );
}

/** Fill `place` with what `load` gives, by way of a skeleton, or the error with a way to try again. */
export async function show(place, load, draw, waiting = () => skeleton()) {
  const ticket = Symbol("load");
  place.ticket = ticket;
  fill(place, waiting());
  try {
    const data = await load();
    if (place.ticket === ticket) fill(place, draw(data));
  } catch (error) {
    if (place.ticket === ticket)
      fill(
        place,
        errorState(error, () => show(place, load, draw, waiting)),
      );
  }
}

/** A modal dialog around `content`; gives the element, already open. It leaves the page when it closes. */
export function dialog(label, className, ...content) {
  const element = h("dialog", { class: className, aria: { label } }, content);
  element.addEventListener("close", () => element.remove());
  element.addEventListener("click", (event) => event.target === element && element.close());
  document.getElementById("nexus").append(element);
  element.showModal();
  return element;
}

/** Ask before something is destroyed. Resolves to whether to go on. */
export function confirmDelete(title, text, action = t("delete")) {
  return new Promise((resolve) => {
    let yes = false;
    const box = dialog(
      title,
      "dialog",
      h("h2", {}, title),
      h("p", {}, text),
      h(
        "div",
        { class: "row end" },
        h("button", { class: "button", type: "button", autofocus: true, onclick: () => box.close() }, t("cancel")),
        h(
          "button",
          {
            class: "button danger",
            type: "button",
            onclick: () => {
              yes = true;
              box.close();
            },
          },
          action,
        ),
      ),
    );
    box.addEventListener("close", () => resolve(yes));
  });
}

let notices = null;

/** Say something for a few seconds; `undo` takes back what was done. */
export function notice(text, bad = false, undo = null) {
  if (!notices?.isConnected) {
    notices = h("div", { class: "notices", role: "status", aria: { live: "polite" } });
    document.getElementById("nexus").append(notices);
  }
  const item = h(
    "div",
    { class: bad ? "notice bad" : "notice" },
    icon(bad ? "alert" : "check", 16),
    h("span", { class: "grow" }, text),
    undo &&
      h(
        "button",
        {
          class: "link",
          type: "button",
          onclick: () => {
            item.remove();
            undo();
          },
        },
        t("undo"),
      ),
  );
  notices.append(item);
  setTimeout(() => item.remove(), bad || undo ? 8000 : 4000);
}

export function noticeProblem(error) {
  const { title, detail } = explain(asProblem(error));
  notice(detail || title, true);
}

/** A button that opens a menu of `items()`: [{label, icon, onclick | href, danger, checked, multiple}] or nodes. */
export function menu(button, items, place = "below") {
  const wrap = h("div", { class: "menu-wrap" }, button);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  let list = null;
  const outside = (event) => !wrap.contains(event.target) && close();
  const close = (focus = false) => {
    list?.remove();
    list = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
    if (focus) button.focus();
  };
  const keys = (event) => {
    const options = [...list.querySelectorAll('[role^="menuitem"]')];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const at = options.indexOf(document.activeElement);
      options[(at + step + options.length) % options.length]?.focus();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close(true);
    }
  };
  button.addEventListener("click", () => {
    if (list) return close();
    list = h(
      "div",
      { class: `menu ${place}`, role: "menu", onkeydown: keys },
      items()
        .filter(Boolean)
        .map((item) => (item instanceof Node ? item : menuItem(item, close))),
    );
    wrap.append(list);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    list.querySelector('[role^="menuitem"]')?.focus();
  });
  return wrap;
}

function menuItem(item, close) {
  const choice = item.checked !== undefined;
  const attributes = {
    class: [item.danger && "danger", item.narrow && "narrow-item"].filter(Boolean).join(" "),
    role: choice ? (item.multiple ? "menuitemcheckbox" : "menuitemradio") : "menuitem",
    aria: choice ? { checked: String(item.checked) } : {},
    onclick: () => {
      close();
      item.onclick?.();
    },
  };
  const content = [item.icon && icon(item.icon, 16), h("span", {}, item.label), item.checked && icon("check", 16)];
  return item.href
    ? h("a", { ...attributes, href: item.href, download: item.download }, content)
    : h("button", { ...attributes, type: "button" }, content);
}

export function badge(status) {
  const look = { pending: "warn", indexed: "good", failed: "bad", deleted: "quiet" }[status] ?? "quiet";
  return h(
    "span",
    { class: `badge ${look}` },
    status === "pending" && h("span", { class: "spinner small" }),
    t(`state.${status}`),
  );
}

/** "Handbook > Time off > Sick days", each part on its own. */
export function breadcrumb(space, heading, page, title) {
  const parts = (heading ?? "").split(/\s*[>›]\s*/).filter(Boolean);
  // The first heading is often the title, which stands above already.
  if (parts[0] === title) parts.shift();
  return h(
    "span",
    { class: "crumbs" },
    [space?.name, ...parts]
      .filter(Boolean)
      .map((part, at) => [
        at > 0 && h("span", { class: "crumb-sep", aria: { hidden: "true" } }, "›"),
        h("span", {}, part),
      ]),
    page && [
      (space || parts.length > 0) && h("span", { class: "crumb-sep", aria: { hidden: "true" } }, "·"),
      h("span", {}, t("passage.page", { n: page })),
    ],
  );
}

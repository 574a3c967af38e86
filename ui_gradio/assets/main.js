// The frame of the app: rail, list, main column; and what each address shows.
import { askPage } from "./ask.js";
import { signInAgain, signOut } from "./bridge.js";
import { documentPage } from "./document.js";
import { fill, h, icon } from "./dom.js";
import { knowledgePage } from "./knowledge.js";
import { listenForPalette, openPalette } from "./palette.js";
import { closePanel, panelOpen } from "./panel.js";
import { menu, noticeProblem } from "./parts.js";
import { start } from "./router.js";
import { searchPage } from "./search.js";
import { whoami } from "./session.js";
import { statusPage } from "./status.js";
import { language, remember, remembered, t } from "./words.js";

const PAGES = [
  [/^\/(?:conversations\/(?<id>[^/]+))?$/, "ask", askPage],
  [/^\/search$/, "search", searchPage],
  [/^\/knowledge$/, "knowledge", knowledgePage],
  [/^\/documents\/(?<id>[^/]+)$/, "document", documentPage],
  [/^\/status$/, "status", statusPage],
];
const RAIL = [
  ["ask", "/"],
  ["search", "/search"],
  ["knowledge", "/knowledge"],
  ["status", "/status"],
];

function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("theme", theme === "auto" ? null : theme);
}

function account() {
  const name = h("p", { class: "menu-name" });
  whoami().then(
    (me) => fill(name, me.name),
    () => {},
  );
  const button = h(
    "button",
    { class: "rail-item account", type: "button", aria: { label: t("account.label") }, title: t("account.label") },
    icon("person", 20),
  );
  const theme = () => remembered("theme") ?? "auto";
  return menu(
    button,
    () => [
      name,
      h("p", { class: "label" }, t("account.theme")),
      ...[
        ["auto", "auto"],
        ["light", "sun"],
        ["dark", "moon"],
      ].map(([value, look]) => ({
        label: t(`account.theme.${value}`),
        icon: look,
        checked: theme() === value,
        onclick: () => applyTheme(value),
      })),
      h("p", { class: "label" }, t("account.language")),
      ...[
        ["en", "English"],
        ["ko", "한국어"],
      ].map(([value, label]) => ({
        label,
        checked: language === value,
        onclick: () => {
          remember("language", value);
          location.reload();
        },
      })),
      h("hr"),
      { label: t("account.signout"), icon: "x", onclick: () => signOut().catch(noticeProblem) },
    ],
    "rail-menu",
  );
}

function frame() {
  const app = h("div", { id: "nexus" });
  const side = h("aside", { class: "side-body" });
  const main = h("main", { class: "main", id: "main", tabindex: "-1" });
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const items = RAIL.map(([name, address]) =>
    h(
      "a",
      { class: "rail-item", href: address, "data-link": true, data: { name } },
      icon(name, 20),
      h("span", {}, t(`nav.${name}`)),
    ),
  );
  const toggleSide = () => app.classList.toggle("with-side");
  fill(
    app,
    h(
      "a",
      {
        class: "skip",
        href: "#main",
        onclick: (event) => {
          event.preventDefault();
          main.focus();
        },
      },
      t("nav.skip"),
    ),
    h(
      "nav",
      { class: "rail", aria: { label: t("nav.label") } },
      h(
        "a",
        { class: "brand", href: "/", "data-link": true, aria: { label: t("app.name") } },
        h("img", { src: "/ui/icon.svg", width: "30", height: "30", alt: "" }),
      ),
      items,
      h("span", { class: "grow" }),
      account(),
    ),
    h(
      "div",
      { class: "side" },
      h(
        "button",
        { class: "find", type: "button", onclick: openPalette },
        icon("search", 16),
        h("span", { class: "grow" }, t("nav.find")),
        h("kbd", {}, mac ? "⌘K" : "Ctrl K"),
      ),
      side,
    ),
    h("button", {
      class: "side-veil",
      type: "button",
      aria: { label: t("close") },
      tabindex: "-1",
      onclick: toggleSide,
    }),
    h(
      "div",
      { class: "topbar" },
      h(
        "button",
        { class: "icon-button", type: "button", aria: { label: t("list") }, onclick: toggleSide },
        icon("list", 20),
      ),
      h("a", { class: "topbar-name", href: "/", "data-link": true }, t("app.name")),
      h(
        "button",
        { class: "icon-button", type: "button", aria: { label: t("nav.find") }, onclick: openPalette },
        icon("search", 20),
      ),
    ),
    main,
  );
  document.body.append(app);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    if (panelOpen()) closePanel();
    else app.classList.remove("with-side");
  });
  return {
    main,
    side,
    changed(name) {
      app.classList.remove("with-side");
      app.dataset.page = name;
      const section = name === "document" ? "knowledge" : name;
      for (const item of items) {
        const current = item.dataset.name === section;
        item.classList.toggle("current", current);
        if (current) item.setAttribute("aria-current", "page");
        else item.removeAttribute("aria-current");
      }
      document.title = `${t(`nav.${section}`)} · ${t("app.name")}`;
    },
  };
}

applyTheme(remembered("theme") ?? "auto");
listenForPalette();
start(PAGES, frame());
whoami().catch((error) => (error.status === 401 ? signInAgain() : noticeProblem(error)));

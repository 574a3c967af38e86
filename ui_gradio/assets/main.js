// The frame of the app: rail, list, main column; and what each address shows.
import { accountPage } from "./account.js";
import { accountMenu, applyTheme } from "./accountmenu.js";
import { adminPage, adminPlaces, invitationsPage, mailPage } from "./admin.js";
import { analyticsPage } from "./analytics.js";
import { askPage } from "./ask.js";
import { assistantPage } from "./assistantsettings.js";
import { auditPage } from "./audit.js";
import { signInAgain } from "./bridge.js";
import { documentPage } from "./document.js";
import { fill, h, icon } from "./dom.js";
import { gapsPage } from "./gaps.js";
import { projectPage, teamPage } from "./group.js";
import { projectsPage, teamsPage } from "./groups.js";
import { knowledgePage } from "./knowledge.js";
import { lookForNews, newsBadge } from "./news.js";
import { listenForPalette, openPalette } from "./palette.js";
import { closePanel, panelOpen } from "./panel.js";
import { noticeProblem } from "./parts.js";
import { answersPage } from "./review.js";
import { start } from "./router.js";
import { searchPage } from "./search.js";
import { securityPage } from "./security.js";
import { whoami } from "./session.js";
import { statusPage } from "./status.js";
import { usersPage } from "./users.js";
import { remembered, t } from "./words.js";

const PAGES = [
  [/^\/(?:conversations\/(?<id>[^/]+))?$/, "ask", askPage],
  [/^\/search$/, "search", searchPage],
  [/^\/knowledge$/, "knowledge", knowledgePage],
  [/^\/documents\/(?<id>[^/]+)$/, "document", documentPage],
  [/^\/status$/, "status", statusPage],
  [/^\/account$/, "account", accountPage],
  [/^\/account\/security$/, "account", securityPage],
  [/^\/teams$/, "teams", teamsPage],
  [/^\/teams\/(?<id>[^/]+)$/, "teams", teamPage],
  [/^\/projects$/, "projects", projectsPage],
  [/^\/projects\/(?<id>[^/]+)$/, "projects", projectPage],
  [/^\/admin$/, "admin", adminPage],
  [/^\/admin\/users$/, "admin", usersPage],
  [/^\/admin\/invitations$/, "admin", invitationsPage],
  [/^\/admin\/mail$/, "admin", mailPage],
  [/^\/admin\/audit$/, "admin", auditPage],
  [/^\/admin\/searches$/, "admin", analyticsPage],
  [/^\/admin\/answers$/, "admin", answersPage],
  [/^\/admin\/assistant$/, "admin", assistantPage],
  [/^\/admin\/gaps$/, "admin", gapsPage],
];
const RAIL = [
  ["ask", "/"],
  ["search", "/search"],
  ["knowledge", "/knowledge"],
  ["teams", "/teams"],
  ["status", "/status"],
  ["admin", "/admin"],
];
// Pages that belong to an entry of the rail with another name.
const SECTIONS = { document: "knowledge", projects: "teams" };

function frame() {
  const app = h("div", { id: "nexus" });
  const side = h("aside", { class: "side-body" });
  const main = h("main", { class: "main", id: "main", tabindex: "-1" });
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const items = RAIL.map(([name, address]) =>
    h(
      "a",
      { class: "rail-item", href: address, "data-link": true, data: { name }, hidden: name === "admin" },
      icon(name, 20),
      h("span", {}, t(`nav.${name}`)),
      name === "search" && newsBadge,
    ),
  );
  whoami().then(
    (me) => {
      items.find((item) => item.dataset.name === "admin").hidden = !adminPlaces(me).length;
    },
    () => {}, // said below
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
      accountMenu(),
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
      if (name !== "search") lookForNews(); // the search page lists the saved searches, which counts them
      const section = SECTIONS[name] ?? name;
      for (const item of items) {
        const current = item.dataset.name === section;
        item.classList.toggle("current", current);
        if (current) item.setAttribute("aria-current", "page");
        else item.removeAttribute("aria-current");
      }
      document.title = `${t(`nav.${name === "document" ? section : name}`)} · ${t("app.name")}`;
    },
  };
}

applyTheme(remembered("theme") ?? "auto");
listenForPalette();
start(PAGES, frame());
whoami().catch((error) => (error.status === 401 ? signInAgain() : noticeProblem(error)));

// The person in the rail: who one is, the ways to one's account, appearance and language, signing out.
import { adminPlaces } from "./admin.js";
import { call, signOut } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { menu, noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { go } from "./router.js";
import { whoami } from "./session.js";
import { chooseLanguage, language, remember, remembered, t } from "./words.js";

export function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("theme", theme === "auto" ? null : theme);
}

async function speak(tongue) {
  try {
    await call("change_me", { locale: tongue });
  } catch (error) {
    noticeProblem(error);
    return;
  }
  chooseLanguage(tongue);
}

export function accountMenu() {
  const name = h("p", { class: "menu-name" });
  const button = h(
    "button",
    { class: "rail-item account", type: "button", aria: { label: t("account.label") }, title: t("account.label") },
    icon("person", 20),
  );
  let places = [];
  whoami().then(
    (me) => {
      fill(name, me.name, me.email && h("span", { class: "quiet clip" }, me.email));
      if (me.avatar_url) fill(button, avatar(me, 30));
      places = adminPlaces(me);
    },
    () => {}, // main.js says so
  );
  const theme = () => remembered("theme") ?? "auto";
  const goTo = (address, label, look) => ({ label, icon: look, onclick: () => go(address) });
  return menu(
    button,
    () => [
      name,
      goTo("/account", t("profile.title"), "person"),
      goTo("/account/security", t("security.title"), "lock"),
      h("hr"),
      // The bar of a narrow screen has no room for these.
      { ...goTo("/status", t("nav.status"), "status"), narrow: true },
      places.length > 0 && { ...goTo("/admin", t("nav.admin"), "admin"), narrow: true },
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
      ].map(([value, label]) => ({ label, checked: language === value, onclick: () => speak(value) })),
      h("hr"),
      { label: t("account.signout"), icon: "x", onclick: () => signOut().catch(noticeProblem) },
    ],
    "rail-menu",
  );
}

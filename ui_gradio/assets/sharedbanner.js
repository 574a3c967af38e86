// Above a conversation that somebody else shared: whose it is, and that it is for reading.
import { h, icon } from "./dom.js";
import { t } from "./words.js";

export function sharedBanner({ title, owner }) {
  return h(
    "header",
    { class: "shared-banner" },
    h("h1", {}, title),
    h(
      "p",
      { class: "note quiet" },
      icon("share", 16),
      h("span", { class: "grow" }, t("conversation.readonly", { name: owner?.name ?? "" })),
      h("a", { class: "link", href: "/", "data-link": true }, t("ask.new")),
    ),
  );
}

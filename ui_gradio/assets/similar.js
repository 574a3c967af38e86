// Documents like this one.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { documentUrl } from "./panel.js";
import { show, skeleton } from "./parts.js";
import { kindIcon } from "./results.js";
import { t, when } from "./words.js";

const COUNT = 5;

/** Draw what is like the document `id` into `place`; nothing where there is nothing. */
export const showSimilar = (place, id) =>
  show(
    place,
    () => call("similar_documents", { id, k: COUNT }),
    ({ items }) =>
      items.length
        ? h(
            "section",
            { class: "similar", aria: { label: t("similar.title") } },
            h("h2", {}, t("similar.title")),
            h("ul", {}, items.map(item)),
          )
        : null,
    () => skeleton(2, "lines"),
  );

function item({ source, space, passage, updated_at: at }) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: documentUrl(source, passage?.start, passage?.end), "data-link": true },
      h("span", { class: "result-title" }, icon(kindIcon(source.kind), 16), h("span", { class: "clip" }, source.title)),
      h("span", { class: "quiet" }, [space?.name, when(at)].filter(Boolean).join(" · ")),
      passage?.text && h("span", { class: "similar-text" }, passage.text),
    ),
  );
}

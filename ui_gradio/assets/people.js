// Showing people, and finding one.
import { call } from "./bridge.js";
import { fill, h } from "./dom.js";
import { explain } from "./parts.js";
import { t } from "./words.js";

const PAUSE_MS = 200;
const FOUND = 8;

/** A person's picture, or their initials. */
export function avatar(person, size = 32) {
  const style = `width: ${size}px; height: ${size}px; font-size: ${Math.round(size * 0.4)}px`;
  if (person.avatar_url)
    return h("img", { class: "avatar", src: person.avatar_url, width: size, height: size, alt: "", style });
  const initials = (person.name ?? "?")
    .trim()
    .split(/\s+/)
    .filter((_, at, all) => at === 0 || at === all.length - 1)
    .map((part) => Array.from(part)[0])
    .join("");
  return h("span", { class: "avatar", style, aria: { hidden: "true" } }, initials.toUpperCase());
}

/** A field that finds people by name; `onpick` gets the one that is chosen. `search(q)` finds others than people, who
 *  are drawn with `face` and, where nothing is found, spoken of with the words of `none`. */
export function picker({
  label,
  onpick,
  search = people,
  exclude = () => false,
  face = (one) => avatar(one, 26),
  none = "person.none",
}) {
  let timer = 0;
  let ticket = 0;
  const input = h("input", {
    class: "field",
    type: "search",
    placeholder: label,
    maxlength: "200",
    autocomplete: "off",
    aria: { label },
  });
  const results = h("div", { class: "picker-results", role: "group", aria: { label: t("person.found") } });
  const look = async () => {
    const q = input.value.trim();
    const mine = ++ticket;
    if (!q) return fill(results);
    try {
      const found = (await search(q)).filter((one) => !exclude(one));
      if (mine !== ticket) return;
      fill(
        results,
        found.length
          ? found.map((one) =>
              h(
                "button",
                {
                  class: "picker-option",
                  type: "button",
                  onclick: () => {
                    input.value = "";
                    fill(results);
                    onpick(one);
                  },
                },
                face(one),
                h("span", { class: "clip grow" }, one.name),
                one.email && h("span", { class: "quiet clip" }, one.email),
              ),
            )
          : h("p", { class: "side-empty" }, t(none, { q })),
      );
    } catch (error) {
      if (mine === ticket) fill(results, h("p", { class: "doc-error", role: "alert" }, explain(error).detail));
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  return h("div", { class: "picker" }, input, results);
}

async function people(q) {
  return (await call("people", { q, limit: FOUND })).items;
}

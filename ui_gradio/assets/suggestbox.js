// The list of suggestions under the search box.
import { fill, h } from "./dom.js";
import { byKind, optionGroup, suggest, suggestionIcon, suggestionText } from "./suggestions.js";
import { t } from "./words.js";

const PAUSE_MS = 60;

/** Suggestions for `input` in an element to put beside it; `onpick(suggestion)` when one is taken. The list never takes
 *  a key unless it shows: `key(event)` tells whether it did. */
export function suggestBox(input, onpick) {
  let ticket = 0;
  let timer = 0;
  let chosen = -1;
  let options = [];
  const list = h("div", {
    class: "suggest-list",
    id: "suggestions",
    role: "listbox",
    aria: { label: t("suggest.label") },
    hidden: true,
    // The input keeps the focus, or a click would close the list before it arrives.
    onpointerdown: (event) => event.preventDefault(),
  });
  for (const [name, value] of [
    ["role", "combobox"],
    ["aria-autocomplete", "list"],
    ["aria-haspopup", "listbox"],
    ["aria-expanded", "false"],
    ["aria-controls", "suggestions"],
  ])
    input.setAttribute(name, value);
  input.addEventListener("blur", close);

  function close() {
    ticket++;
    clearTimeout(timer);
    chosen = -1;
    options = [];
    list.hidden = true;
    fill(list);
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  /** The text has changed: look again, in a moment. */
  function look() {
    clearTimeout(timer);
    const q = input.value.trim();
    if (!q) return close();
    const mine = ++ticket;
    timer = setTimeout(async () => {
      try {
        const items = await suggest(q);
        if (mine === ticket && document.activeElement === input) draw(items);
      } catch {
        if (mine === ticket) close(); // suggestions are a help: the search itself says what is wrong
      }
    }, PAUSE_MS);
  }

  function draw(items) {
    if (!items.length) return close();
    chosen = -1;
    options = [];
    fill(
      list,
      byKind(items).map(([label, those]) =>
        optionGroup(
          label,
          those.map((one) => {
            const element = h(
              "div",
              { class: "suggestion", role: "option", id: `suggestion-${options.length}`, onclick: () => take(one) },
              suggestionIcon(one),
              h("span", { class: "clip" }, suggestionText(one)),
            );
            options.push({ element, one });
            return element;
          }),
        ),
      ),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
  }

  function take(one) {
    close();
    onpick(one);
  }

  function choose(at) {
    // One place more than there are options: none is chosen there, and the text is what was typed.
    chosen = ((at + 1 + options.length + 1) % (options.length + 1)) - 1;
    options.forEach(({ element }, n) => element.setAttribute("aria-selected", String(n === chosen)));
    if (chosen < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
      options[chosen].element.scrollIntoView({ block: "nearest" });
    }
  }

  function key(event) {
    // While a syllable is being composed, Enter and the arrows belong to the input method.
    if (event.isComposing || event.keyCode === 229) return false;
    if (list.hidden) {
      if (event.key === "ArrowDown" && event.altKey) look();
      return event.key === "ArrowDown" && event.altKey;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen + step);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && chosen >= 0) take(options[chosen].one);
    else return false;
    return true;
  }

  return {
    element: list,
    look,
    key,
    close,
    /** The typing has rested: make way for the results, unless one of the suggestions is being chosen. */
    fold: () => chosen < 0 && !list.matches(":hover") && close(),
  };
}

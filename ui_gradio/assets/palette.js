// The global box (Ctrl or Cmd + K): type to search, Enter to ask.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { documentUrl } from "./panel.js";
import { breadcrumb, dialog, explain } from "./parts.js";
import { snippet } from "./results.js";
import { go } from "./router.js";
import { byKind, optionGroup, pageOf, suggest, suggestionIcon, suggestionText } from "./suggestions.js";
import { t } from "./words.js";

const PAUSE_MS = 160;
const SUGGESTIONS = 6;
let box = null;

export function openPalette() {
  if (box?.isConnected) return;
  let chosen = 0;
  let ticket = 0;
  let timer = 0;
  let options = [];
  const input = h("input", {
    type: "text",
    role: "combobox",
    placeholder: t("palette.placeholder"),
    autofocus: true,
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "2000",
    aria: { label: t("palette.placeholder"), expanded: "true", controls: "palette-list", autocomplete: "list" },
  });
  const list = h("div", { class: "palette-list", id: "palette-list", role: "listbox" });
  box = dialog(
    t("nav.find"),
    "palette",
    h("div", { class: "palette-box" }, icon("search", 19), input, h("kbd", {}, "Esc")),
    list,
  );

  const pick = (address) => {
    box.close();
    go(address);
  };
  const option = (name, label, under, address) => {
    const at = options.length;
    const element = h(
      "div",
      {
        class: "palette-option",
        role: "option",
        id: `option-${at}`,
        onclick: () => pick(address),
        onpointermove: () => chosen !== at && choose(at),
      },
      typeof name === "string" ? icon(name, 17) : name,
      h(
        "span",
        { class: "grow" },
        h("span", { class: "palette-label" }, label),
        under && h("span", { class: "quiet palette-under" }, under),
      ),
    );
    options.push({ element, address });
    return element;
  };
  const choose = (at) => {
    chosen = Math.min(Math.max(at, 0), options.length - 1);
    options.forEach((one, n) => one.element.setAttribute("aria-selected", String(n === chosen)));
    input.setAttribute("aria-activedescendant", `option-${chosen}`);
    options[chosen]?.element.scrollIntoView({ block: "nearest" });
  };
  const draw = (found) => {
    const q = input.value.trim();
    options = [];
    if (!q) {
      fill(
        list,
        optionGroup(
          t("palette.go"),
          [
            ["ask", "nav.ask", "/"],
            ["search", "nav.search", "/search"],
            ["knowledge", "nav.knowledge", "/knowledge"],
            ["teams", "nav.teams", "/teams"],
            ["project", "nav.projects", "/projects"],
            ["status", "nav.status", "/status"],
            ["person", "nav.account", "/account"],
          ].map(([name, label, address]) => option(name, t(label), null, address)),
        ),
      );
    } else {
      const asking = option("ask", t("palette.askq", { q }), null, `/?q=${encodeURIComponent(q)}`);
      fill(
        list,
        optionGroup(t("palette.ask"), [asking]),
        byKind(found?.suggestions ?? []).map(([label, those]) =>
          optionGroup(
            label,
            those.map((one) => option(suggestionIcon(one), suggestionText(one), null, pageOf(one))),
          ),
        ),
        optionGroup(
          t("palette.passages"),
          (found?.hits ?? []).map((hit) =>
            option(
              "quote",
              snippet(hit),
              [hit.source.title, " · ", breadcrumb(hit.space, hit.heading, hit.page, hit.source.title)],
              documentUrl(hit.source, hit.start, hit.end),
            ),
          ),
        ),
        found?.problem && h("p", { class: "doc-error" }, explain(found.problem).detail),
        optionGroup(t("nav.search"), [
          option("search", t("palette.searchq", { q }), null, `/search?q=${encodeURIComponent(q)}`),
        ]),
      );
    }
    choose(Math.min(chosen, options.length - 1));
  };
  const look = async () => {
    const q = input.value.trim();
    const mine = ++ticket;
    if (!q) return;
    try {
      const [found, suggestions] = await Promise.all([
        call("search", { query: q, k: 4, per_source: 1, log: false }),
        suggest(q, SUGGESTIONS),
      ]);
      if (mine === ticket && box.isConnected) draw({ hits: found.hits, suggestions });
    } catch (problem) {
      if (mine === ticket && box.isConnected) draw({ problem });
    }
  };
  input.addEventListener("input", () => {
    chosen = 0;
    draw();
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    // While a syllable is being composed, Enter and the arrows belong to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose((chosen + step + options.length) % options.length);
    } else if (event.key === "Enter" && options[chosen]) {
      event.preventDefault();
      pick(options[chosen].address);
    }
  });
  draw();
  input.focus();
}

export function listenForPalette() {
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
    }
  });
}

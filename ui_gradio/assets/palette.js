// The global box (Ctrl or Cmd + K): type to search, Enter to ask.
import { call } from "./bridge.js";
import { fill, h, icon, marked } from "./dom.js";
import { documentUrl } from "./panel.js";
import { breadcrumb, dialog, explain } from "./parts.js";
import { go } from "./router.js";
import { t } from "./words.js";

const PAUSE_MS = 160;
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
      icon(name, 17),
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
  const group = (label, items) =>
    items.length > 0 && h("div", { role: "group", aria: { label } }, h("p", { class: "label" }, label), items);
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
        group(
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
        group(t("palette.ask"), [asking]),
        group(
          t("palette.documents"),
          (found?.documents ?? []).map((one) =>
            option("file", one.title, one.space.name, `/documents/${encodeURIComponent(one.id)}`),
          ),
        ),
        group(
          t("palette.passages"),
          (found?.hits ?? []).map((hit) =>
            option(
              "quote",
              marked(hit.text, hit.highlights ?? []),
              [hit.source.title, " · ", breadcrumb(hit.space, hit.heading, hit.page, hit.source.title)],
              documentUrl(hit.source, hit.start, hit.end),
            ),
          ),
        ),
        found?.problem && h("p", { class: "doc-error" }, explain(found.problem).detail),
        group(t("nav.search"), [
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
      const [found, documents] = await Promise.all([
        call("search", { query: q, k: 5 }),
        call("documents", { q: q.slice(0, 200), limit: 4 }),
      ]);
      if (mine === ticket && box.isConnected) draw({ hits: found.hits, documents: documents.items });
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
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose((chosen + step + options.length) % options.length);
    } else if (event.key === "Enter" && !event.isComposing && options[chosen]) {
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

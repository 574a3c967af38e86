// The labels of a document: its category and its tags, shown, and edited by those who may.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { notice, noticeProblem } from "./parts.js";
import { t } from "./words.js";

const MOST_CHARS = 64;

/** A document's labels, drawn anew when they change. Nothing, where there are none and nobody may add any. */
export function labels(doc) {
  const place = h("div", { class: "doc-labels" });
  draw(doc);

  function draw({ category, tags, may }) {
    const any = Boolean(category) || tags.length > 0;
    fill(
      place,
      any &&
        h(
          "ul",
          { class: "tags", aria: { label: t("labels.title") } },
          category && label(t("document.category"), "folder", category),
          tags.map((tag) => label(t("document.tag"), "tag", tag)),
        ),
      may.write &&
        h(
          "button",
          { class: "quiet-button", type: "button", onclick: () => edit(category, tags) },
          icon(any ? "edit" : "tag", 15),
          t(any ? "labels.edit" : "labels.add"),
        ),
    );
  }

  /** Each of the two is sent only where it was changed: what a person chooses, the file's own labels leave alone. */
  async function edit(category, tags) {
    const editor = tagEditor(tags);
    const used = usedLabels(doc.space.id);
    const before = { category: category ?? "", tags };
    await ask({
      title: t("labels.edit"),
      text: t("labels.about"),
      submit: t("save"),
      fields: [
        {
          name: "category",
          label: t("document.category"),
          value: before.category,
          maxlength: MOST_CHARS,
          list: "labels-categories",
        },
        editor.element,
        used,
      ],
      onsubmit: async ({ category: chosen }) => {
        const after = { category: chosen, tags: editor.tags() };
        const changed = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
        if (!changed.length) return;
        const of = (values) => Object.fromEntries(changed.map((name) => [name, values[name]]));
        draw(await call("change_document", { id: doc.id, ...of(after) }));
        notice(t("labels.saved"), false, async () => {
          try {
            draw(await call("change_document", { id: doc.id, ...of(before) }));
          } catch (error) {
            noticeProblem(error);
          }
        });
      },
    });
    place.querySelector("button")?.focus();
  }

  return place;
}

/** What to choose from: the labels that documents of the space have, the most frequent first. */
function usedLabels(space) {
  const lists = { categories: h("datalist", { id: "labels-categories" }), tags: h("datalist", { id: "labels-tags" }) };
  call("search", { query: "", filters: { space_ids: [space] }, facets: true, k: 1, log: false }).then(
    ({ facets }) => {
      for (const [name, list] of Object.entries(lists))
        fill(
          list,
          facets[name].map(({ value }) => h("option", { value })),
        );
    },
    () => {}, // they are a help: what is typed is as good
  );
  return h("div", { hidden: true }, Object.values(lists));
}

function label(what, name, words) {
  return h(
    "li",
    {},
    h(
      "span",
      { class: "tag small", title: `${what}: ${words}` },
      icon(name, 14),
      h("span", { class: "sr-only" }, `${what}: `),
      h("span", { class: "clip" }, words),
    ),
  );
}

/** A field for tags: each is taken up by Enter or a comma, and dropped by its button or, from the empty field, by
 *  Backspace. Gives {element, tags()}. */
function tagEditor(given) {
  let tags = [...given];
  const list = h("ul", { class: "tags" });
  const input = h("input", {
    class: "field",
    id: "labels-tag",
    list: "labels-tags",
    maxlength: MOST_CHARS,
    autocomplete: "off",
    placeholder: t("labels.tag.add"),
    aria: { describedby: "labels-tag-note" },
  });
  const take = () => {
    const added = input.value.split(",").map((tag) => tag.trim());
    tags = [...new Set([...tags, ...added.filter(Boolean)])];
    input.value = "";
    draw();
  };
  const drop = (tag) => {
    tags = tags.filter((one) => one !== tag);
    draw();
    input.focus();
  };
  input.addEventListener("keydown", (event) => {
    // While a syllable is being composed, Enter belongs to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.key === "Enter" || event.key === ",") && input.value.trim()) {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !input.value && tags.length) drop(tags.at(-1));
  });
  draw();

  function draw() {
    list.hidden = !tags.length;
    fill(
      list,
      tags.map((tag) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              class: "tag small",
              type: "button",
              aria: { label: t("labels.tag.drop", { tag }) },
              onclick: () => drop(tag),
            },
            h("span", { class: "clip" }, tag),
            icon("x", 13),
          ),
        ),
      ),
    );
  }

  return {
    element: h(
      "div",
      { class: "form-field tag-field" },
      h("label", { for: input.id }, t("document.tags")),
      list,
      input,
      h("p", { class: "field-note", id: "labels-tag-note" }, t("labels.tag.about")),
    ),
    tags: () => {
      take();
      return tags;
    },
  };
}

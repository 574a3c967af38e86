// Forms: labelled fields with what is wrong under them, in the page or in a dialog.
import { fill, h } from "./dom.js";
import { asProblem, dialog, explain } from "./parts.js";
import { has, t } from "./words.js";

// Problems that belong to a field although they do not name one.
const FIELD_OF = {
  wrong_password: ["current_password", "password"],
  mfa_invalid: ["code"],
  mfa_required: ["code"],
};

let count = 0;

// A password may begin or end with a blank.
const entered = (input) => (input.type === "password" ? input.value : input.value.trim());

/** A form of `fields`: [{name, label, type?, value?, hint?, required?, options?, list?, autocomplete?, maxlength?,
 *  min?, max?, step?}], where
 *  `options` ([[value, label]]) make a choice and `list` is the id of a datalist to choose from. `onsubmit` gets the values; what it throws is shown where it belongs.
 *  Gives {element, inputs}. */
export function form({ fields, submit, onsubmit, danger = false, oncancel = null, quiet = false }) {
  const inputs = {};
  const notes = {};
  const rows = fields.map((field) => {
    if (field instanceof Node) return field;
    const id = `field-${++count}`;
    const shared = { id, name: field.name, required: field.required, aria: { describedby: `${id}-note` } };
    const input = field.options
      ? h(
          "select",
          { ...shared, class: "field" },
          field.options.map(([value, label]) => h("option", { value, selected: value === field.value }, label)),
        )
      : h(field.type === "area" ? "textarea" : "input", {
          ...shared,
          class: "field",
          type: field.type === "area" ? null : (field.type ?? "text"),
          value: field.value ?? "",
          maxlength: field.maxlength ?? 200,
          rows: field.type === "area" ? 3 : null,
          inputmode: field.inputmode,
          autocomplete: field.autocomplete ?? "off",
          autofocus: field.autofocus,
          list: field.list,
          placeholder: field.placeholder,
          min: field.min,
          max: field.max,
          step: field.step,
        });
    inputs[field.name] = input;
    notes[field.name] = h("p", { class: "field-note", id: `${id}-note` }, field.hint ?? "");
    return h("div", { class: "form-field" }, h("label", { for: id }, field.label), input, notes[field.name]);
  });
  const foot = h("p", { class: "doc-error", role: "alert" });
  const button = h(
    "button",
    { class: danger ? "button danger" : quiet ? "button" : "button primary", type: "submit" },
    submit,
  );
  const mark = (name, message) => {
    inputs[name].setAttribute("aria-invalid", message ? "true" : "false");
    notes[name].classList.toggle("doc-error", Boolean(message));
    notes[name].toggleAttribute("role", false);
    if (message) notes[name].setAttribute("role", "alert");
    fill(notes[name], message || fields.find((field) => field.name === name).hint || "");
  };
  const element = h(
    "form",
    {
      class: "form",
      onsubmit: async (event) => {
        event.preventDefault();
        fill(foot);
        Object.keys(inputs).forEach((name) => mark(name, ""));
        button.disabled = true;
        try {
          await onsubmit(Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, entered(input)])));
        } catch (error) {
          refuse(asProblem(error));
        } finally {
          button.disabled = false;
        }
      },
    },
    rows,
    foot,
    h(
      "div",
      { class: oncancel ? "row end" : "row" },
      oncancel && h("button", { class: "button", type: "button", onclick: oncancel }, t("cancel")),
      button,
    ),
  );

  function refuse(problem) {
    let first = null;
    const at = (name, message) => {
      mark(name, message);
      first ??= inputs[name];
    };
    // The words for a field say how it is written; another refusal (it is taken, it is wrong) says so itself.
    const written = problem.status === 422;
    for (const { field, message } of problem.document?.errors ?? []) {
      const name = field?.replace(/^body\./, "");
      if (inputs[name]) at(name, written && has(`wrong.${name}`) ? t(`wrong.${name}`) : message);
    }
    const own = FIELD_OF[problem.code]?.find((name) => inputs[name]) ?? inputs[problem.document?.field]?.name;
    if (!first && own) at(own, explain(problem).detail);
    if (!first) fill(foot, explain(problem).detail || explain(problem).title);
    first?.focus();
  }

  return { element, inputs };
}

/** A form in a dialog; resolves to what `onsubmit` gave, or to undefined when it was cancelled. */
export function ask({ title, text, ...rest }) {
  return new Promise((resolve) => {
    let result;
    const made = form({
      ...rest,
      onsubmit: async (values) => {
        result = (await rest.onsubmit(values)) ?? true;
        box.close();
      },
      oncancel: () => box.close(),
    });
    const box = dialog(
      title,
      "dialog",
      h("h2", {}, title),
      text && h("p", { class: "dialog-text" }, text),
      made.element,
    );
    box.addEventListener("close", () => resolve(result));
  });
}

/** Ask for something that cannot be undone: the person types its name. Resolves to whether it was done. */
export function askByName({ title, text, name, submit, onsubmit, fields = [] }) {
  const label = t("confirm.type", { name });
  return ask({
    title,
    text,
    submit,
    danger: true,
    fields: [...fields, { name: "typed", label, required: true, maxlength: 400 }],
    onsubmit: async (values) => {
      if (values.typed !== name) {
        throw Object.assign(new Error(), {
          status: 422,
          document: { errors: [{ field: "typed", message: t("confirm.different", { name }) }] },
        });
      }
      await onsubmit(values);
    },
  });
}

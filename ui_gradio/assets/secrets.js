// Secrets that are shown once: copy them, keep them in a file.
import { h, icon } from "./dom.js";
import { dialog, notice } from "./parts.js";
import { t, tn } from "./words.js";

/** Put text on the clipboard; where the browser does not allow it (no https), by way of a selection. */
export async function copy(text, within = document.body) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "sr-only", value: text });
    within.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice(t("ask.copied"));
}

/** Show `lines` in a dialog that only its button closes. Resolves when it is closed. */
export function showOnce({ title, text, lines, filename }) {
  return new Promise((resolve) => {
    const whole = lines.join("\n");
    const box = dialog(
      title,
      "dialog",
      h("h2", {}, title),
      h("p", { class: "note warn" }, icon("alert", 16), text),
      h(
        "div",
        { class: lines.length > 1 ? "secret many" : "secret" },
        lines.map((line) => h("code", {}, line)),
      ),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          { class: "button", type: "button", onclick: () => copy(whole, box) },
          icon("copy", 16),
          t("secret.copy"),
        ),
        h(
          "a",
          {
            class: "button",
            href: `data:text/plain;charset=utf-8,${encodeURIComponent(`${whole}\n`)}`,
            download: filename,
          },
          icon("download", 16),
          t("secret.download"),
        ),
      ),
      h(
        "div",
        { class: "row end" },
        h(
          "button",
          { class: "button primary", type: "button", onclick: () => box.close() },
          tn("secret.kept", lines.length),
        ),
      ),
    );
    // Neither a stray click nor the Escape key may lose them.
    box.addEventListener("click", (event) => event.target === box && event.stopImmediatePropagation(), true);
    box.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
    box.addEventListener("cancel", (event) => event.preventDefault());
    box.addEventListener("close", resolve);
  });
}

// The question box, and the choice of the spaces to ask in.
import { fill, h, icon } from "./dom.js";
import { menu, noticeProblem } from "./parts.js";
import { spaces } from "./session.js";
import { t } from "./words.js";

let chosen = []; // ids of the spaces to ask in; none: all. Kept from page to page.

export const scope = () => chosen;

export const toggleScope = (id) => {
  chosen = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
};

/** The question box. `working(true)` turns the send button into one that calls `onstop`. */
export function composer(onsubmit, onstop) {
  const input = h("textarea", {
    rows: "1",
    placeholder: t("ask.placeholder"),
    aria: { label: t("ask.placeholder") },
    maxlength: "4000",
  });
  const send = h(
    "button",
    { class: "send", type: "submit", aria: { label: t("ask.send") }, disabled: true },
    icon("send"),
  );
  const stop = h(
    "button",
    { class: "send stop", type: "button", hidden: true, aria: { label: t("ask.stop") }, onclick: onstop },
    icon("stop"),
  );
  const scopeButton = h("button", { class: "quiet-button", type: "button", disabled: true });
  let busy = false;
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
    send.disabled = busy || !input.value.trim();
  };
  const element = h(
    "form",
    {
      class: "composer",
      onsubmit: (event) => {
        event.preventDefault();
        const question = input.value.trim();
        if (!question || busy) return;
        input.value = "";
        grow();
        onsubmit(question);
      },
    },
    input,
    h(
      "div",
      { class: "composer-row" },
      menu(
        scopeButton,
        () => [
          {
            label: t("space.all"),
            checked: chosen.length === 0,
            onclick: () => {
              chosen = [];
              drawScope();
            },
          },
          ...spacesNow.map((space) => ({
            label: space.name,
            checked: chosen.includes(space.id),
            onclick: () => {
              toggleScope(space.id);
              drawScope();
            },
          })),
        ],
        "above",
      ),
      h("span", { class: "grow" }),
      send,
      stop,
    ),
  );
  let spacesNow = [];
  const drawScope = () => {
    const names = spacesNow.filter((space) => chosen.includes(space.id)).map((space) => space.name);
    fill(
      scopeButton,
      icon("space", 15),
      h("span", { class: "clip" }, names.length ? names.join(", ") : t("space.all")),
      icon("down", 14),
    );
    scopeButton.setAttribute("aria-label", `${t("ask.scope")}: ${names.join(", ") || t("space.all")}`);
  };
  spaces().then((all) => {
    spacesNow = all;
    scopeButton.disabled = false;
    drawScope();
  }, noticeProblem);
  drawScope();
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    // Enter that ends the composition of a Hangul syllable is not a question sent.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      element.requestSubmit();
    }
  });
  return {
    element,
    drawScope,
    focus: () => matchMedia("(min-width: 900px)").matches && input.focus({ preventScroll: true }),
    followUp: () => {
      input.placeholder = t("ask.followup");
    },
    working: (now) => {
      busy = now;
      send.hidden = now;
      stop.hidden = !now;
      grow();
    },
  };
}

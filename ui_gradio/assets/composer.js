// The question box, and the choice of where to ask.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { menu, noticeProblem } from "./parts.js";
import { isNarrow, scopeChips, scopeItems } from "./scope.js";
import { spaces } from "./session.js";
import { t } from "./words.js";

let kinds = null; // the kinds of sources that there are; asked for when somebody first opens the menu

/** The question box. `doing`: {submit(question), stop(), last(), changed()}: asking, stopping, editing the last
 *  question, and what to do when the scope has changed. `working(true)` turns the send button into a stop button. */
export function composer(doing) {
  let scope = null;
  let spacesNow = [];
  let busy = false;
  const input = h("textarea", {
    rows: "1",
    placeholder: t("ask.placeholder"),
    aria: { label: t("ask.placeholder") },
    maxlength: "4000",
  });
  const send = h(
    "button",
    { class: "send", type: "submit", title: t("ask.send"), aria: { label: t("ask.send") }, disabled: true },
    icon("send"),
  );
  const stop = h(
    "button",
    {
      class: "send stop",
      type: "button",
      hidden: true,
      title: t("ask.stop"),
      aria: { label: t("ask.stop") },
      onclick: doing.stop,
    },
    icon("stop"),
  );
  const scopeButton = h("button", { class: "quiet-button", type: "button", disabled: true, onclick: lookForKinds });
  const chips = h("div", { class: "scope-chips", role: "group", aria: { label: t("ask.scope") } });
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
    send.disabled = busy || !input.value.trim();
  };
  const changed = () => {
    drawScope();
    doing.changed?.();
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
        doing.submit(question);
      },
    },
    input,
    h(
      "div",
      { class: "composer-row" },
      menu(scopeButton, () => scopeItems(scope, spacesNow, kinds ?? [], changed), "above"),
      chips,
      send,
      stop,
    ),
  );

  function drawScope() {
    const narrow = scope && isNarrow(scope);
    fill(
      scopeButton,
      icon(narrow ? "plus" : "space", 15),
      h("span", { class: narrow ? "sr-only" : "clip" }, narrow ? t("ask.scope") : t("space.all")),
      !narrow && icon("down", 14),
    );
    scopeButton.title = t("ask.scope");
    scopeButton.setAttribute("aria-label", narrow ? t("ask.scope") : `${t("ask.scope")}: ${t("space.all")}`);
    fill(chips, scope && scopeChips(scope, changed));
  }

  spaces().then((all) => {
    spacesNow = all;
    scopeButton.disabled = false;
  }, noticeProblem);
  drawScope();
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    // Keys that end the composition of a Hangul syllable belong to the input method.
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      element.requestSubmit();
    } else if (event.key === "ArrowUp" && !input.value) {
      if (doing.last()) event.preventDefault();
    } else if (event.key === "Escape" && busy) {
      event.stopPropagation();
      doing.stop();
    }
  });
  return {
    element,
    /** Ask in this scope from now on; it is changed in place. */
    use: (another) => {
      scope = another;
      drawScope();
    },
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

/** A choice of kinds is offered where there are several; a search knows which there are. */
function lookForKinds() {
  if (kinds) return;
  kinds = [];
  call("search", { query: t("ask.title"), facets: true, k: 1, log: false }).then(
    (found) => (kinds = (found.facets?.kinds ?? []).map((one) => one.value)),
    () => (kinds = null), // asked for again the next time
  );
}

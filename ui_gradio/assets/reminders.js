// Reminders whose time has come, until one has seen them.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { noticeProblem } from "./parts.js";
import { exactly, t, when } from "./words.js";

const SHOWN = 5;

/** A place that shows those that are due; nothing, where there are none. */
export function dueReminders() {
  const place = h("div", { class: "reminders" });
  call("reminders", { due: "true", limit: SHOWN }).then((page) => draw(page.items), noticeProblem);

  function draw(items) {
    if (!items.length) return fill(place);
    fill(
      place,
      h("h2", { class: "label" }, t("reminders.title")),
      h(
        "ul",
        {},
        items.map((one) =>
          h(
            "li",
            { class: "reminder" },
            icon("bell", 16),
            h("span", { class: "grow" }, one.text),
            h("time", { class: "quiet", datetime: one.due_at, title: exactly(one.due_at) }, when(one.due_at)),
            h(
              "button",
              {
                class: "icon-button small",
                type: "button",
                aria: { label: t("reminders.seen", { text: one.text }) },
                onclick: () => seen(one, items),
              },
              icon("check", 16),
            ),
          ),
        ),
      ),
    );
  }

  async function seen(one, items) {
    try {
      await call("reminder_seen", { id: one.id });
      draw(items.filter((other) => other !== one));
    } catch (error) {
      noticeProblem(error);
    }
  }

  return place;
}

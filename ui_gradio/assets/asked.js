// Questions that nothing answered and that others ask this person, until they are written down or turned down.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { notice, noticeProblem } from "./parts.js";
import { go } from "./router.js";
import { spaces, writableSpaces } from "./session.js";
import { exactly, t, when } from "./words.js";

const SHOWN = 5;
const TITLE_CHARS = 200;
const MOST_CHARS = 100_000;

/** A place that shows them; nothing, where there are none. */
export function askedQuestions() {
  const place = h("div", { class: "reminders" });
  load();

  async function load() {
    try {
      const [page] = await Promise.all([call("asked_questions", { limit: SHOWN }), spaces()]);
      draw(page.items);
    } catch (error) {
      noticeProblem(error);
    }
  }

  function draw(items) {
    if (!items.length) return fill(place);
    fill(place, h("h2", { class: "label" }, t("asked.title")), h("ul", {}, items.map(row)));
  }

  function row(one) {
    const button = (label, look, onclick) =>
      h("button", { class: `button small ${look}`, type: "button", onclick }, label);
    return h(
      "li",
      { class: "card asked" },
      h("p", { class: "card-title" }, icon("ask", 17), h("span", { class: "grow" }, one.question)),
      h(
        "p",
        { class: "quiet" },
        t("asked.by", { name: one.asked_by }),
        " · ",
        h("time", { datetime: one.asked_at, title: exactly(one.asked_at) }, when(one.asked_at)),
      ),
      h(
        "div",
        { class: "row wrap" },
        writableSpaces().length > 0 && button(t("asked.write"), "primary", () => write(one)),
        button(t("asked.closed"), "", () => answer(one, "closed")),
        button(t("asked.declined"), "", () => answer(one, "declined")),
      ),
    );
  }

  async function answer(one, status) {
    try {
      await call("answer_asked", { id: one.id, status });
      notice(t(`asked.done.${status}`), false, status === "open" ? null : () => answer(one, "open"));
      load();
    } catch (error) {
      noticeProblem(error);
    }
  }

  /** A new document, and the question is closed with it. */
  async function write(one) {
    let made = null;
    await ask({
      title: t("asked.write"),
      text: one.question,
      submit: t("asked.write.save"),
      fields: [
        { name: "title", label: t("asked.write.title"), value: title(one.question), required: true, maxlength: 500 },
        { name: "text", label: t("asked.write.text"), type: "area", required: true, maxlength: MOST_CHARS, autofocus: true },
        {
          name: "space_id",
          label: t("upload.space"),
          hint: t("asked.write.space"),
          options: writableSpaces().map((space) => [space.id, space.name]),
        },
      ],
      onsubmit: async (values) => {
        made ??= await call("create_document", values); // sent again, it is not written twice
        await call("answer_asked", { id: one.id, status: "closed" });
      },
    });
    if (made) go(`/documents/${encodeURIComponent(made.id)}`);
  }

  return place;
}

/** A question as a title. */
const title = (question) => question.replace(/\s+/g, " ").replace(/[?？]+$/, "").trim().slice(0, TITLE_CHARS);

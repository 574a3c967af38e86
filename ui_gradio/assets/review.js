// For reviewers: the answers that people said something about, to learn from or to lay aside.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { chip } from "./citations.js";
import { fill, h, icon } from "./dom.js";
import { form } from "./forms.js";
import { choice, column, listing, nothing } from "./listing.js";
import { dialog, emptyState, notice, noticeProblem } from "./parts.js";
import { picker } from "./people.js";
import { prose } from "./prose.js";
import { sources } from "./sources.js";
import { exactly, t, when } from "./words.js";

const STATES = ["new", "golden", "dismissed"];
const LOOKS = { new: "warn", golden: "good", dismissed: "quiet" };
const FOUND = 8;

export function answersPage({ place, side }) {
  adminSide(side, "/admin/answers");
  let state = "new";
  let helpful = "";
  const body = column(place, { title: t("review.answers"), subtitle: t("review.answers.about") });
  const list = listing({
    label: t("review.answers"),
    className: "cards",
    load: (cursor) => call("reviewed_answers", { cursor, state, helpful, limit: 20 }),
    empty: () =>
      state === "new" && !helpful
        ? emptyState("check", t("review.none.title"), t("review.none"))
        : nothing(t("review.nomatch")),
    row: (one) => h("li", {}, card(one)),
  });
  body.append(
    h(
      "div",
      { class: "toolbar row wrap" },
      choice(
        t("review.state"),
        [["", t("review.state.all")], ...STATES.map((one) => [one, t(`review.state.${one}`)])],
        state,
        (value) => {
          state = value;
          list.refresh();
        },
      ),
      choice(
        t("review.helpful"),
        [
          ["", t("review.helpful.all")],
          ["false", t("feedback.down")],
          ["true", t("feedback.up")],
        ],
        helpful,
        (value) => {
          helpful = value;
          list.refresh();
        },
      ),
    ),
    list.element,
  );
}

/** One answer: what was asked and answered, what the asker says, and what to make of it. */
function card(reviewed) {
  const element = h("article", { class: "card review" });
  draw(reviewed);

  function draw(one) {
    const { question, answer, feedback, state } = one;
    const said = [feedback.reason && t(`feedback.reason.${feedback.reason}`), when(feedback.updated_at)];
    fill(
      element,
      h(
        "header",
        { class: "row top" },
        h("h2", { class: "review-question grow" }, question),
        h("span", { class: `badge ${LOOKS[state]}` }, t(`review.state.${state}`)),
      ),
      h(
        "p",
        { class: feedback.helpful ? "review-said" : "review-said bad-text", title: exactly(feedback.updated_at) },
        icon(feedback.helpful ? "up_thumb" : "down_thumb", 16),
        [t(feedback.helpful ? "feedback.up" : "feedback.down"), ...said].filter(Boolean).join(" · "),
      ),
      feedback.comment && h("blockquote", {}, feedback.comment),
      h(
        "details",
        { class: "review-answer" },
        h("summary", {}, t("review.answer"), icon("down", 14)),
        h(
          "div",
          { class: "answer-text" },
          answer.answer?.abstained
            ? h("p", { class: "quiet" }, t("ask.abstained"))
            : prose(answer.content, (n) => chip(n, answer.citations)),
        ),
        sources(answer.citations),
      ),
      one.reviewed_by && h("p", { class: "quiet" }, t("review.by", { name: one.reviewed_by.name })),
      h(
        "div",
        { class: "row wrap" },
        state !== "golden" && button(t("review.golden"), "primary", () => golden(one, draw)),
        state !== "dismissed" && button(t("review.dismiss"), "", () => dismiss(one)),
      ),
    );
  }

  async function dismiss(one) {
    try {
      draw(await call("review_answer", { id: one.id, verdict: "dismissed" }));
      notice(t("review.dismissed"));
    } catch (error) {
      noticeProblem(error);
    }
  }

  return element;
}

/** Ask for the question as it stands by itself and for the right documents, and make them a test. */
function golden(one, done) {
  const cited = one.answer.citations.filter((citation) => citation.readable !== false);
  const documents = new Map(cited.map(({ source }) => [source.id, source.title]));
  const list = h("ul", { class: "tags" });
  const draw = () =>
    fill(
      list,
      [...documents].map(([id, title]) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              class: "tag small",
              type: "button",
              aria: { label: t("review.document.drop", { title }) },
              onclick: () => {
                documents.delete(id);
                draw();
              },
            },
            icon("file", 14),
            h("span", { class: "clip" }, title),
            icon("x", 13),
          ),
        ),
      ),
      !documents.size && h("li", { class: "quiet" }, t("review.document.none")),
    );
  draw();
  const made = form({
    fields: [
      { name: "question", label: t("review.question"), hint: t("review.question.hint"), type: "area", value: one.question, required: true, maxlength: 300 },
      h(
        "div",
        { class: "form-field" },
        h("p", { class: "label" }, t("review.documents")),
        list,
        picker({
          label: t("review.document.add"),
          search: async (q) =>
            (await call("documents", { q, limit: FOUND })).items.map(({ id, title, space }) => ({
              id,
              name: title,
              email: space.name,
            })),
          exclude: ({ id }) => documents.has(id),
          face: () => icon("file", 17),
          none: "knowledge.nomatch",
          onpick: ({ id, name }) => {
            documents.set(id, name);
            draw();
          },
        }),
      ),
    ],
    submit: t("review.golden.make"),
    oncancel: () => box.close(),
    onsubmit: async ({ question }) => {
      const changed = await call("review_answer", {
        id: one.id,
        verdict: "golden",
        question,
        document_ids: [...documents.keys()],
      });
      box.close();
      done(changed);
      notice(t("review.golden.made"));
    },
  });
  const box = dialog(
    t("review.golden"),
    "dialog",
    h("h2", {}, t("review.golden")),
    h("p", { class: "dialog-text" }, t("review.golden.about")),
    made.element,
  );
}

function button(label, look, onclick) {
  return h("button", { class: `button small ${look}`, type: "button", onclick }, label);
}

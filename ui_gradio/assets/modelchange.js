// The embedding model of the index: which one serves, and changing it while everybody goes on searching.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask } from "./forms.js";
import { section } from "./listing.js";
import { confirmDelete, errorState, notice, noticeProblem } from "./parts.js";
import { decimal, duration, has, number, percent, t } from "./words.js";

const PRECISIONS = ["fp32", "int8"];
const LOOKS = { building: "warn", ready: "good", failed: "bad", active: "good", rolled_back: "quiet" };
const POLL_MS = 3000;

/** Draw the section into `place` for those who manage the index. Gives a function that stops it. */
export function modelChange(place) {
  let left = false;
  let timer = 0;
  load();

  async function load() {
    clearTimeout(timer);
    try {
      const { active, change } = await call("index_models");
      if (left) return;
      draw(active, change);
      if (change?.state === "building") timer = setTimeout(load, POLL_MS);
    } catch (error) {
      if (!left) fill(place, errorState(error, load));
    }
  }

  function draw(active, change) {
    const running = change && ["building", "ready", "failed"].includes(change.state);
    const actions = running
      ? null
      : h("button", { class: "button", type: "button", onclick: begin }, t("models.begin"));
    fill(
      place,
      section(
        t("models.title"),
        { text: t("models.about"), actions },
        h(
          "p",
          { class: "model-line" },
          `${t("models.active")}: `,
          h("code", {}, nameOf(active)),
          active?.dimensions ? ` · ${t("models.dimensions", { n: number(active.dimensions) })}` : "",
          active?.precision ? ` · ${active.precision}` : "",
        ),
        change && changeCard(change),
      ),
    );
  }

  function changeCard(change) {
    const { state, model, done, total, eta_seconds: eta, error, gate } = change;
    const share = total ? done / total : 0;
    const button = (label, onclick, look = "") =>
      h("button", { class: `button ${look}`, type: "button", onclick }, label);
    const failed = gate?.passed === false;
    return h(
      "div",
      { class: "model-change" },
      h(
        "p",
        { class: "row" },
        h("code", { class: "clip" }, nameOf(model)),
        h("span", { class: `badge ${LOOKS[state] ?? "quiet"}` }, has(`models.${state}`) ? t(`models.${state}`) : state),
      ),
      state === "building" && [
        h("progress", { max: 1, value: share, aria: { label: t("models.progress") } }),
        h(
          "p",
          { class: "quiet", role: "status" },
          [
            t("models.done", { done: number(done ?? 0), total: number(total ?? 0), share: percent(share) }),
            eta != null && t("models.eta", { t: duration(eta) }),
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ],
      error && h("p", { class: "note bad" }, icon("alert", 16), error),
      gate && gateTable(gate),
      h(
        "div",
        { class: "row" },
        state === "ready" && !failed && button(t("models.flip"), () => flip(model, false), "primary"),
        state === "ready" && failed && button(t("models.force"), () => flip(model, true), "danger"),
        state === "active" && button(t("models.rollback"), rollback),
        ["building", "ready", "failed"].includes(state) && button(t("models.discard"), discard),
      ),
    );
  }

  /** What the change would do to the answers: each measure with the old and the new model. */
  function gateTable(gate) {
    const measures = ["hybrid", "semantic"].filter((mode) => gate[mode]);
    return [
      h(
        "p",
        { class: `note ${gate.passed ? "good" : "bad"}`, title: gate.says },
        icon(gate.passed ? "check" : "alert", 16),
        t(gate.passed ? "models.gate.passed" : "models.gate.failed"),
      ),
      measures.length > 0 &&
        h(
          "div",
          { class: "table-scroll" },
          h(
            "table",
            { class: "figures-table" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                ["measure", "old", "new"].map((name) => h("th", { scope: "col" }, t(`models.gate.${name}`))),
              ),
            ),
            h(
              "tbody",
              {},
              measures.map((mode) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, `MRR@10 · ${t(`search.mode.${mode}`)}`),
                  [gate[mode].before, gate[mode].now].map((value) => h("td", {}, decimal(value))),
                ),
              ),
            ),
          ),
        ),
    ];
  }

  async function begin() {
    const made = await ask({
      title: t("models.begin"),
      text: t("models.begin.about"),
      submit: t("models.build"),
      fields: [
        {
          name: "model",
          label: t("models.model"),
          hint: t("models.model.hint"),
          required: true,
          autofocus: true,
        },
        { name: "revision", label: t("models.revision"), hint: t("models.revision.hint") },
        {
          name: "precision",
          label: t("models.precision"),
          value: "fp32",
          options: PRECISIONS.map((one) => [one, t(`models.precision.${one}`)]),
        },
      ],
      onsubmit: ({ model, revision, precision }) =>
        call("build_index_model", { model, precision, ...(revision && { revision }) }),
    });
    if (made) load();
  }

  async function run(action, payload, said) {
    try {
      await call(action, payload);
      notice(said);
    } catch (error) {
      noticeProblem(error);
    }
    if (!left) load();
  }

  async function flip(model, force) {
    const [title, text, label] = force
      ? [t("models.force"), t("models.force.body"), t("models.force")]
      : [t("models.flip"), t("models.flip.body", { model: nameOf(model) }), t("models.flip")];
    if (await confirmDelete(title, text, label)) run("flip_index_model", force ? { force } : {}, t("models.flipped"));
  }

  async function rollback() {
    if (await confirmDelete(t("models.rollback"), t("models.rollback.body"), t("models.rollback")))
      run("rollback_index_model", {}, t("models.rolledback"));
  }

  async function discard() {
    if (await confirmDelete(t("models.discard"), t("models.discard.body"), t("models.discard")))
      run("discard_index_model", {}, t("models.discarded"));
  }

  return () => {
    left = true;
    clearTimeout(timer);
  };
}

const nameOf = (model) => model?.name ?? "–";

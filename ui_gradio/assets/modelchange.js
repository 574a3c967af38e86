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
const RARE_POLL_MS = 15000;

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
      // Somebody else may change it too, with the command line for one.
      timer = setTimeout(load, change?.state === "building" ? POLL_MS : RARE_POLL_MS);
    } catch (error) {
      if (!left) fill(place, errorState(error, load));
    }
  }

  function draw(active, change) {
    // One at a time: what is kept of the last one is deleted first.
    const actions = !change && h("button", { class: "button", type: "button", onclick: begin }, t("models.begin"));
    fill(
      place,
      section(
        t("models.title"),
        { text: t("models.about"), actions },
        h("p", { class: "model-line" }, `${t("models.active")}: `, described(active)),
        change && changeCard(change),
      ),
    );
  }

  function changeCard(change) {
    const { state, model, done, total, eta_seconds: eta, error, gate } = change;
    const share = total ? done / total : 0;
    const button = (label, onclick, look = "") =>
      h("button", { class: `button ${look}`, type: "button", onclick }, label);
    return h(
      "div",
      { class: "model-change" },
      h(
        "p",
        { class: "row" },
        described(model),
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
        state === "ready" &&
          (gate?.passed === false
            ? button(t("models.force"), () => flip(model, gate), "danger")
            : button(t("models.flip"), () => flip(model, null), "primary")),
        state === "active" && button(t("models.rollback"), rollback),
        ["failed", "rolled_back"].includes(state) && button(t("models.again"), () => again(model)),
        state === "active" ? button(t("models.cleanup"), cleanup) : button(t("models.discard"), discard),
      ),
    );
  }

  /** What the change would do to the answers: each measure with the old and the new model. */
  function gateTable(gate) {
    const measures = ["hybrid", "semantic"].filter((mode) => gate[mode]);
    const look = { passed: "good", too_few_questions: "warn" }[gate.verdict] ?? "bad";
    return [
      h(
        "p",
        { class: `note ${look}` },
        icon(gate.passed ? "check" : "alert", 16),
        t(`models.gate.${gate.verdict}`, { n: number(gate.queries) }),
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
                ["measure", "old", "new", "between"].map((name) => h("th", { scope: "col" }, t(`models.gate.${name}`))),
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
                  h("td", {}, t("models.gate.range", { low: signed(gate[mode].low), high: signed(gate[mode].high) })),
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

  /** Do a step, which may take a while: the last changes are taken over first. */
  async function run(action, payload, said) {
    clearTimeout(timer);
    place.querySelectorAll("button").forEach((one) => (one.disabled = true));
    try {
      await call(action, payload);
      notice(said);
    } catch (error) {
      noticeProblem(error);
    }
    if (!left) load();
  }

  /** `gate`: what it said, where it did not let the model pass. */
  async function flip(model, gate) {
    const [title, text] = gate
      ? [t("models.force"), t(`models.force.${gate.verdict}`)]
      : [t("models.flip"), t("models.flip.body", { model: nameOf(model) })];
    const payload = gate ? { force: true } : {};
    if (await confirmDelete(title, text, title)) run("flip_index_model", payload, t("models.flipped"));
  }

  function again({ model, revision, precision, endpoint, languages }) {
    const payload = { model, precision, endpoint, languages, ...(revision && { revision }) };
    run("build_index_model", payload, t("models.begun"));
  }

  async function rollback() {
    if (await confirmDelete(t("models.rollback"), t("models.rollback.body"), t("models.rollback")))
      run("rollback_index_model", {}, t("models.rolledback"));
  }

  async function discard() {
    if (await confirmDelete(t("models.discard"), t("models.discard.body"), t("models.discard")))
      run("discard_index_model", {}, t("models.discarded"));
  }

  async function cleanup() {
    if (await confirmDelete(t("models.cleanup"), t("models.cleanup.body"), t("models.cleanup")))
      run("discard_index_model", {}, t("models.cleaned"));
  }

  return () => {
    left = true;
    clearTimeout(timer);
  };
}

/** A model by its name (of a path, the last part), with what tells it from another of that name. */
function described(model) {
  if (!model) return "–";
  return h(
    "span",
    {},
    h("code", { title: model.model }, nameOf(model)),
    ` · ${t("models.dimensions", { n: number(model.dimensions) })} · ${model.precision}`,
  );
}

const nameOf = (model) => model.name.split("/").filter(Boolean).at(-1);

const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${decimal(Math.abs(value))}`;

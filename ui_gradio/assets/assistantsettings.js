// For administrators: what answers, how it is instructed and limited, and what it takes.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { fill, h } from "./dom.js";
import { form } from "./forms.js";
import { choice, column, nothing, section } from "./listing.js";
import { confirmDelete, notice, noticeProblem, show, skeleton } from "./parts.js";
import { spaces } from "./session.js";
import { usageTable } from "./usage.js";
import { t } from "./words.js";

// The limits of one answer, each with the least and the most that the API takes.
const LIMITS = [
  ["most_seconds", 1, 3600],
  ["most_model_calls", 1, 50],
  ["most_tool_calls", 1, 100],
  ["most_tokens", 1000, 10_000_000],
  ["context_tokens", 2000, 1_000_000],
  ["most_cost", 0, 1_000_000],
];

export function assistantPage({ place, side }) {
  adminSide(side, "/admin/assistant");
  let spaceId = "";
  const head = h("div");
  const settings = h("div");
  const body = column(place, {
    title: t("assistant.title"),
    subtitle: t("assistant.about"),
    actions: [head],
  });
  body.append(settings, usageTable());
  spaces().then((all) => {
    const options = [["", t("assistant.everywhere")], ...all.map((space) => [space.id, space.name])];
    fill(
      head,
      choice(t("assistant.where"), options, spaceId, (value) => {
        spaceId = value;
        load();
      }),
    );
  }, noticeProblem);
  load();

  function load() {
    const of = spaceId;
    show(
      settings,
      () => call("assistant_settings", { space_id: of }),
      (found) => draw(found, of),
      () => skeleton(4, "cards"),
    );
  }

  function draw(found, of) {
    const { options, own, model, models, prompts, endpoint, limits_cost: limitsCost } = found;
    const yesNo = [
      ["false", t("assistant.off")],
      ["true", t("assistant.on")],
    ];
    const made = form({
      fields: [
        {
          name: "model",
          label: t("assistant.model"),
          hint: endpoint ? t("assistant.model.now", { model }) : t("assistant.model.none"),
          value: options.model ?? "",
          options: [["", t("assistant.model.default")], ...models.map((one) => [one, nameOf(one)])],
        },
        {
          name: "prompt",
          label: t("assistant.prompt"),
          hint: t("assistant.prompt.about"),
          value: options.prompt,
          options: prompts.map((one) => [one.name, t("assistant.prompt.version", { name: one.name, n: one.version })]),
        },
        {
          name: "unsupported",
          label: t("assistant.unsupported"),
          value: options.unsupported,
          options: ["drop", "show"].map((one) => [one, t(`assistant.unsupported.${one}`)]),
        },
        {
          name: "masking",
          label: t("assistant.masking"),
          hint: t("assistant.masking.about"),
          value: String(options.masking),
          options: yesNo,
        },
        h("h3", { class: "form-part" }, t("assistant.limits")),
        ...LIMITS.map(([name, min, max]) => ({
          name,
          label: t(`assistant.${name}`),
          type: "number",
          hint: name === "most_cost" && !limitsCost ? t("assistant.most_cost.vain", { model }) : "",
          value: options[name] ?? "",
          required: name !== "most_cost",
          min,
          max,
          step: name === "most_cost" || name === "most_seconds" ? "any" : 1,
        })),
      ],
      submit: t("save"),
      onsubmit: async (values) => {
        await call("set_assistant_settings", { space_id: of, options: sent(values) });
        notice(t("assistant.saved"));
        load();
      },
    });
    made.element.classList.add("two");
    const drop =
      of && own && h("button", { class: "button", type: "button", onclick: () => dropOwn(of) }, t("assistant.drop"));
    return section(
      t("assistant.settings"),
      { text: t(of ? (own ? "assistant.own" : "assistant.inherited") : "assistant.general"), actions: drop || [] },
      models.length ? made.element : nothing(t("assistant.model.none")),
    );
  }

  async function dropOwn(of) {
    if (!(await confirmDelete(t("assistant.drop"), t("assistant.drop.body"), t("assistant.drop")))) return;
    try {
      await call("drop_assistant_settings", { space_id: of });
      load();
    } catch (error) {
      noticeProblem(error);
    }
  }
}

const nameOf = (model) => (model === "extractive" ? t("assistant.extractive") : model);

/** The form's words as the API takes them. */
function sent({ model, prompt, unsupported, masking, ...limits }) {
  const numbers = Object.entries(limits).map(([name, value]) => [name, value === "" ? null : Number(value)]);
  return { model: model || null, prompt, unsupported, masking: masking === "true", ...Object.fromEntries(numbers) };
}

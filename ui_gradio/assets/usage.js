// What the assistant took, by day, person and model.
import { call } from "./bridge.js";
import { append, fill, h } from "./dom.js";
import { choice, nothing, section } from "./listing.js";
import { noticeProblem, show, skeleton } from "./parts.js";
import { day, decimal, duration, number, t } from "./words.js";

const PERIODS = ["7", "30", "90"];
const DAY_MS = 86_400_000;
const COLUMNS = ["day", "person", "model", "answers", "tokens", "time", "cost", "fallbacks", "limits"];

export function usageTable() {
  let days = "30";
  const place = h("div");
  const load = (cursor) =>
    call("assistant_usage", { since: new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10), cursor });
  const draw = () =>
    show(
      place,
      () => load(),
      table,
      () => skeleton(3, "lines"),
    );

  function table(page) {
    if (!page.items.length) return nothing(t("usage.none"));
    const rows = h("tbody", {}, page.items.map(row));
    const more = h("div", {}, next(page.next_cursor));

    function next(cursor) {
      if (!cursor) return null;
      const button = h("button", { class: "more", type: "button" }, t("more"));
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          const further = await load(cursor);
          append(rows, further.items.map(row));
          fill(more, next(further.next_cursor));
        } catch (error) {
          button.disabled = false;
          noticeProblem(error);
        }
      });
      return button;
    }

    return [
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
              COLUMNS.map((name) => h("th", { scope: "col" }, t(`usage.${name}`))),
            ),
          ),
          rows,
        ),
      ),
      more,
    ];
  }

  draw();
  return section(
    t("usage.title"),
    {
      text: t("usage.about"),
      actions: choice(
        t("analytics.period"),
        PERIODS.map((n) => [n, t("analytics.days", { n })]),
        days,
        (value) => {
          days = value;
          draw();
        },
      ),
    },
    place,
  );
}

function row(one) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, day(one.day)),
    [
      one.person.name,
      one.model === "extractive" ? t("assistant.extractive") : one.model,
      number(one.answers),
      t("usage.inout", { input: number(one.input_tokens), output: number(one.output_tokens) }),
      duration(one.milliseconds / 1000),
      one.cost ? decimal(one.cost) : "–",
      number(one.fallbacks),
      number(one.limits),
    ].map((cell) => h("td", {}, cell)),
  );
}

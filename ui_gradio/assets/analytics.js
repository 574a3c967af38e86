// How well the company's searches go: for administrators, in numbers that expose nobody.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { barChart } from "./chart.js";
import { fill, h } from "./dom.js";
import { choice, column, nothing, section } from "./listing.js";
import { emptyState, show, skeleton } from "./parts.js";
import { pushAddress } from "./router.js";
import { day, duration, number, percent, shortDay, t } from "./words.js";

const PERIODS = ["7", "30", "90"];
const NAMED = 20; // queries shown of each list

export function analyticsPage({ place, side, query }) {
  adminSide(side, "/admin/searches");
  let days = PERIODS.includes(query.get("days")) ? query.get("days") : "30";
  const body = h("div", { class: "sections" });
  fill(
    column(place, {
      title: t("analytics.title"),
      subtitle: t("analytics.subtitle"),
      actions: [
        choice(
          t("analytics.period"),
          PERIODS.map((n) => [n, t("analytics.days", { n })]),
          days,
          (value) => {
            days = value;
            pushAddress(`/admin/searches?days=${days}`);
            load();
          },
        ),
      ],
    }),
    body,
  );
  load();

  function load() {
    show(
      body,
      () => call("search_analytics", { days }),
      draw,
      () => skeleton(4, "cards"),
    );
  }
}

function draw(found) {
  if (!found.searches) return emptyState("search", t("analytics.none.title"), t("analytics.none"));
  const figure = (name, value, under) =>
    h(
      "div",
      { class: "figure" },
      h("dt", {}, t(`analytics.${name}`)),
      h("dd", {}, value),
      under && h("p", { class: "quiet" }, under),
    );
  const ms = (value) => (value == null ? "–" : duration(value / 1000));
  return [
    h(
      "dl",
      { class: "figures" },
      figure("success", percent(found.success_rate), t("analytics.success.about")),
      figure("searches", number(found.searches), t("analytics.people", { n: number(found.people) })),
      figure("zero", percent(found.zero_results_rate), t("analytics.zero.about")),
      figure("abandoned", percent(found.abandoned_rate), t("analytics.abandoned.about")),
      figure("time", ms(found.median_ms), t("analytics.p95", { t: ms(found.p95_ms) })),
    ),
    section(
      t("analytics.byday"),
      { text: t("analytics.byday.about") },
      barChart({
        title: t("analytics.chart", { n: number(found.searches), rate: percent(found.success_rate) }),
        rows: found.by_day.map((one) => ({
          label: shortDay(one.day),
          name: day(one.day),
          value: one.searches,
          part: one.success_rate,
        })),
        columns: [t("analytics.day"), t("analytics.searches"), t("analytics.success")],
        cells: (row) => [number(row.value), percent(row.part)],
        tick: number,
      }),
    ),
    section(
      t("analytics.failing"),
      { text: t("analytics.failing.about") },
      queries(found.failing, ["searches", "zero", "abandoned"], (one) => [
        number(one.searches),
        number(one.zero_results),
        number(one.abandoned),
      ]),
    ),
    section(
      t("analytics.top"),
      { text: t("analytics.private") },
      queries(found.top, ["searches", "success"], (one) => [number(one.searches), percent(one.success_rate)]),
      found.rare?.searches > 0 && h("p", { class: "quiet" }, t("analytics.rare", { n: number(found.rare.searches) })),
    ),
  ];
}

function queries(list, columns, cells) {
  if (!list.length) return nothing(t("analytics.noqueries"));
  return h(
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
          h("th", { scope: "col" }, t("analytics.query")),
          columns.map((name) => h("th", { scope: "col" }, t(`analytics.${name}`))),
        ),
      ),
      h(
        "tbody",
        {},
        list.slice(0, NAMED).map((one) =>
          h(
            "tr",
            {},
            h(
              "th",
              { scope: "row" },
              h(
                "a",
                { class: "plain", href: `/search?q=${encodeURIComponent(one.query)}`, "data-link": true },
                one.query,
              ),
            ),
            cells(one).map((cell) => h("td", {}, cell)),
          ),
        ),
      ),
    ),
  );
}

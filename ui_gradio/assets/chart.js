// A chart as inline SVG, with the same figures as a table for those who do not see it.
import { append, h } from "./dom.js";
import { t } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 720;
const HEIGHT = 190;
const LEFT = 40;
const BOTTOM = 24;
const TOP = 12;

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  append(element, children);
  return element;
}

/** Bars in two parts. `rows`: [{label, name, value, part}], `part` of `value` in 0..1 or null, drawn in the accent's
 *  colour; `label` stands under the bar where there is room, `name` in the table. `columns` are the table's headings,
 *  `cells(row)` its figures, `tick(n)` a number on the scale. */
export function barChart({ title, rows, columns, cells, tick }) {
  const most = niceAbove(Math.max(1, ...rows.map((row) => row.value)));
  const room = (WIDTH - LEFT) / rows.length;
  const width = Math.min(34, Math.max(2, room * 0.72));
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const every = Math.ceil(rows.length / 8);
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": title },
    [0, most / 2, most].map((value) => [
      svg("line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: "chart-grid" }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end", class: "chart-word" }, tick(value)),
    ]),
    rows.map((row, at) => {
      const x = LEFT + room * at + (room - width) / 2;
      const high = y(row.value * (row.part ?? 0));
      return svg(
        "g",
        {},
        svg("title", {}, `${row.name}: ${cells(row).join(", ")}`),
        svg("rect", { x: LEFT + room * at, y: TOP, width: room, height: HEIGHT - TOP - BOTTOM, class: "chart-hover" }),
        svg("rect", { x, y: y(row.value), width, height: y(0) - y(row.value), rx: 2, class: "chart-bar" }),
        svg("rect", { x, y: high, width, height: y(0) - high, rx: 2, class: "chart-part" }),
        at % every === 0 &&
          svg("text", { x: x + width / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "chart-word" }, row.label),
      );
    }),
  );
  return h(
    "figure",
    { class: "chart-frame" },
    picture,
    h(
      "details",
      {},
      h("summary", { class: "quiet" }, t("chart.table")),
      h(
        "div",
        { class: "table-scroll" },
        h(
          "table",
          { class: "figures-table" },
          h("caption", { class: "sr-only" }, title),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              columns.map((column) => h("th", { scope: "col" }, column)),
            ),
          ),
          h(
            "tbody",
            {},
            rows.map((row) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, row.name),
                cells(row).map((cell) => h("td", {}, cell)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** The next of 2, 4, 10, 20, 40, 100, ... that is at least `value`: half of it is a whole number. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [2, 4, 10].map((step) => step * power).find((step) => step >= value);
}

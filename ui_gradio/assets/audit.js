// The audit log: who did what, on what, from where, when.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { choice, column, listing, nothing } from "./listing.js";
import { menu } from "./parts.js";
import { picker } from "./people.js";
import { exactly, has, t } from "./words.js";

const AREAS = [
  ...["auth", "user", "invitation", "team", "project", "space", "document"],
  ...["conversation", "answer", "gap", "proposal", "reminder", "search", "saved_search", "assistant"],
  ...["mail", "backup", "index", "audit"],
];

/** The start of a day that a date field names, in the reader's time zone. */
const startOf = (day, later = 0) => {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
};

const named = (action) => (has(`audit.do.${action}`) ? t(`audit.do.${action}`) : action);

export function auditPage({ place, side, query }) {
  adminSide(side, "/admin/audit");
  const filters = { action: "", actor_id: "", target_id: query.get("target") ?? "", after: "", before: "" };
  const exported = () => new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  const button = h("button", { class: "button", type: "button" }, icon("download", 16), t("audit.export"));
  const body = column(place, {
    title: t("audit.title"),
    subtitle: t("audit.subtitle"),
    actions: [
      menu(
        button,
        () =>
          [
            ["csv", t("audit.csv")],
            ["jsonl", t("audit.jsonl")],
          ].map(([format, label]) => ({
            label,
            icon: "file",
            href: `/api/v1/audit/export?format=${format}&${exported()}`,
            download: `audit.${format}`,
          })),
        "below end",
      ),
    ],
  });
  const list = listing({
    label: t("audit.title"),
    load: (cursor) => call("audit", { ...filters, cursor, limit: 50 }),
    empty: () => nothing(t("audit.none")),
    row,
  });
  const set = (name, value) => {
    filters[name] = value;
    list.refresh();
  };
  const day = (label, onchange) =>
    h(
      "label",
      { class: "dated" },
      h("span", { class: "label" }, label),
      h("input", { class: "field", type: "date", onchange: (event) => onchange(event.target.value) }),
    );
  const who = h("span", { class: "row" });
  body.append(
    h(
      "div",
      { class: "toolbar filters-bar" },
      choice(
        t("audit.area"),
        [["", t("audit.area.all")], ...AREAS.map((area) => [area, t(`audit.area.${area}`)])],
        "",
        (value) => set("action", value),
      ),
      picker({ label: t("audit.actor"), onpick: (person) => pick(person) }),
      day(t("audit.after"), (value) => set("after", startOf(value))),
      day(t("audit.before"), (value) => set("before", startOf(value, 1))),
    ),
    who,
    list.element,
  );

  function pick(person) {
    set("actor_id", person?.id ?? "");
    fill(
      who,
      person &&
        h(
          "button",
          { class: "tag", type: "button", onclick: () => pick(null) },
          t("audit.by", { name: person.name }),
          icon("x", 14),
        ),
    );
  }

  function row(event) {
    const details = Object.entries(event.details ?? {});
    // The details of most actions name what they were done to.
    const { name, title, email } = event.details ?? {};
    const subject = name ?? title ?? email;
    const head = [
      h("time", { class: "quiet audit-time", datetime: event.at }, exactly(event.at)),
      h(
        "span",
        { class: "doc-main" },
        h(
          "span",
          { class: "doc-title" },
          named(event.action),
          subject && h("span", { class: "subject" }, ` ${subject}`),
        ),
        h("span", { class: "quiet" }, [event.actor_name, event.address].filter(Boolean).join(" · ")),
      ),
      h("code", { class: "quiet seen" }, event.action),
    ];
    const lines = [
      ["audit.target", `${event.target_kind} ${event.target_id}`],
      ...details.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
      ["audit.request", event.request_id],
      ["audit.number", String(event.id)],
    ];
    return h(
      "li",
      {},
      h(
        "details",
        { class: "fold" },
        h("summary", { class: "row-item" }, head),
        h(
          "dl",
          { class: "facts" },
          lines
            .filter(([, value]) => value)
            .map(([name, value]) => [h("dt", {}, has(name) ? t(name) : name), h("dd", {}, value)]),
        ),
      ),
    );
  }
}

// For reviewers: questions that nothing answers, like ones together, with who could write it down.
import { adminSide } from "./admin.js";
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { choice, column, listing, nothing } from "./listing.js";
import { emptyState, notice, noticeProblem } from "./parts.js";
import { avatar } from "./people.js";
import { exactly, number, t, tn, when } from "./words.js";

export function gapsPage({ place, side }) {
  adminSide(side, "/admin/gaps");
  let status = "open";
  const body = column(place, {
    title: t("gaps.title"),
    subtitle: t("gaps.about"),
    actions: [
      choice(
        t("gaps.status"),
        ["open", "closed"].map((one) => [one, t(`gaps.status.${one}`)]),
        status,
        (value) => {
          status = value;
          list.refresh();
        },
      ),
    ],
  });
  const list = listing({
    label: t("gaps.title"),
    className: "cards",
    load: (cursor) => call("gaps", { cursor, status }),
    empty: () =>
      status === "open"
        ? emptyState("check", t("gaps.none.title"), t("gaps.none"))
        : nothing(t("gaps.none.closed")),
    row: (cluster) => h("li", {}, card(cluster)),
  });
  body.append(list.element);

  function card(cluster) {
    const others = cluster.examples.filter((one) => one.id !== cluster.id);
    const after = cluster.status === "open" ? "closed" : "open";
    return h(
      "article",
      { class: "card review" },
      h(
        "header",
        { class: "row top" },
        h("h2", { class: "review-question grow" }, cluster.question),
        h("span", { class: "badge quiet" }, tn("gaps.count", cluster.count)),
      ),
      h("p", { class: "quiet", title: exactly(cluster.last_filed_at) }, t("gaps.last", { when: when(cluster.last_filed_at) })),
      h(
        "details",
        { class: "review-answer" },
        h("summary", {}, t("gaps.who"), icon("down", 14)),
        h(
          "ul",
          { class: "gap-examples" },
          [cluster.examples.find((one) => one.id === cluster.id), ...others].filter(Boolean).map((one) =>
            h(
              "li",
              {},
              h("span", { class: "grow" }, one.question),
              h("span", { class: "quiet" }, `${one.filed_by.name} · ${when(one.filed_at)}`),
            ),
          ),
          cluster.count > cluster.examples.length &&
            h("li", { class: "quiet" }, t("gaps.further", { n: number(cluster.count - cluster.examples.length) })),
        ),
      ),
      h(
        "div",
        { class: "row wrap between" },
        cluster.expert ? expert(cluster.expert) : h("span", { class: "quiet" }, t("gaps.noexpert")),
        h(
          "button",
          { class: "button small", type: "button", onclick: (event) => change(cluster, after, event.currentTarget) },
          icon(after === "closed" ? "check" : "retry", 15),
          t(`gaps.make.${after}`),
        ),
      ),
    );
  }

  const expert = (one) =>
    h(
      "span",
      { class: "row" },
      avatar(one, 26),
      h("span", {}, t("gaps.expert", { name: one.name })),
      h("span", { class: "quiet" }, tn("documents", one.documents)),
    );

  async function change(cluster, to, button) {
    button.disabled = true;
    const back = to === "closed" ? "open" : "closed";
    try {
      await call("change_gap", { id: cluster.id, status: to });
      notice(t(`gaps.made.${to}`), false, async () => {
        try {
          await call("change_gap", { id: cluster.id, status: back });
          list.refresh();
        } catch (error) {
          noticeProblem(error);
        }
      });
      list.refresh();
    } catch (error) {
      button.disabled = false;
      noticeProblem(error);
    }
  }
}

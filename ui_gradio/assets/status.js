// Index status: what can be found now, what waits, what failed and why.
import { call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { modelChange } from "./modelchange.js";
import { errorState, notice, noticeProblem, skeleton } from "./parts.js";
import { may, whoami } from "./session.js";
import { spaceList } from "./spaces.js";
import { duration, exactly, number, t, tn, when } from "./words.js";

const POLL_MS = 4000;
// What a reconcile report counts as wrong (and has repaired or queued).
const WRONG = [
  "never_indexed",
  "stale",
  "not_deleted",
  "wrong_chunks",
  "missing_vectors",
  "wrong_vectors",
  "orphan_vectors",
  "orphan_collections",
  "left_behind",
  "missing_files",
];

export function statusPage({ place, side, onleave }) {
  let left = false;
  let timer = 0;
  let admin = false;
  onleave(() => {
    left = true;
    clearTimeout(timer);
  });
  const body = h("div", {}, skeleton(4, "cards"));
  const models = h("div", { class: "models" });
  whoami().then(
    (me) => !left && may(me, "index:manage") && onleave(modelChange(models)),
    () => {}, // said below
  );
  const reconcile = h(
    "button",
    { class: "button", type: "button", hidden: true, onclick: check },
    icon("retry", 16),
    t("status.reconcile"),
  );
  fill(
    place,
    h(
      "div",
      { class: "scroll" },
      h(
        "div",
        { class: "column wide" },
        h(
          "header",
          { class: "page-head" },
          h("div", { class: "grow" }, h("h1", {}, t("status.title")), h("p", { class: "quiet" }, t("status.subtitle"))),
          reconcile,
        ),
        body,
        models,
      ),
    ),
  );
  spaceList(side, { fresh: true });
  run();

  async function run() {
    clearTimeout(timer);
    try {
      const [status, me] = await Promise.all([call("index_status"), whoami()]);
      if (left) return;
      admin = me.role === "admin" || me.role === "owner";
      reconcile.hidden = !admin;
      fill(body, draw(status));
      timer = setTimeout(() => (document.hidden ? again() : run()), POLL_MS);
    } catch (error) {
      if (!left) fill(body, errorState(error, run));
    }
  }

  function again() {
    timer = setTimeout(run, POLL_MS);
  }

  async function check() {
    reconcile.disabled = true;
    try {
      const report = await call("index_reconcile");
      const repaired = WRONG.reduce((sum, name) => sum + (report[name] ?? 0), 0);
      notice(report.consistent ? t("status.reconcile.clean") : t("status.reconcile.done", { n: number(repaired) }));
      run();
    } catch (error) {
      noticeProblem(error);
    } finally {
      reconcile.disabled = false;
    }
  }

  async function retry(failure) {
    try {
      await call("index_retry", failure ? { source_kind: failure.source_kind, source_id: failure.source_id } : {});
      notice(t("status.retried"));
      run();
    } catch (error) {
      noticeProblem(error);
    }
  }

  function draw(status) {
    const { sources, queue, lag_ms: lag, embedding } = status;
    const failed = (sources.failed ?? 0) + (sources.parked ?? 0);
    const state = failed
      ? ["bad", "alert", tn("status.trouble", failed)]
      : sources.pending
        ? ["warn", "clock", tn("status.busy", sources.pending)]
        : ["good", "check", t("status.ok")];
    const figure = (label, value, under) =>
      h("div", { class: "figure" }, h("dt", {}, label), h("dd", {}, value), under && h("p", { class: "quiet" }, under));
    return [
      h("p", { class: `banner ${state[0]}`, role: "status" }, icon(state[1], 18), state[2]),
      h(
        "dl",
        { class: "figures" },
        figure(t("status.indexed"), number(sources.indexed ?? 0)),
        figure(t("status.chunks"), number(status.chunks ?? 0)),
        figure(
          t("status.pending"),
          number(sources.pending ?? 0),
          queue.waiting
            ? t("status.queue.oldest", { t: duration(queue.oldest_seconds ?? 0) })
            : t("status.queue.empty"),
        ),
        figure(t("status.failed"), number(failed)),
        figure(
          t("status.lag"),
          lag?.p50 == null ? "–" : duration(lag.p50 / 1000),
          lag?.p95 == null ? t("status.lag.none") : t("status.lag.p95", { t: duration(lag.p95 / 1000) }),
        ),
        figure(t("status.keyword"), number(status.keyword_lag ?? 0)),
      ),
      h(
        "p",
        { class: "quiet model-line" },
        `${t("status.model")}: `,
        h("code", {}, embedding?.name ?? "–"),
        embedding?.dimensions ? ` · ${number(embedding.dimensions)}` : "",
      ),
      failures(status.failures ?? []),
    ];
  }

  function failures(list) {
    return h(
      "section",
      { class: "failures" },
      h(
        "div",
        { class: "row between" },
        h("h2", {}, t("status.failures")),
        admin &&
          list.length > 1 &&
          h(
            "button",
            { class: "button small", type: "button", onclick: () => retry(null) },
            icon("retry", 15),
            t("status.retryall"),
          ),
      ),
      list.length
        ? h(
            "ul",
            { class: "doc-list" },
            list.map((one) =>
              h(
                "li",
                { class: "failure" },
                icon("alert", 17),
                h(
                  "span",
                  { class: "doc-main" },
                  h(
                    "a",
                    { class: "doc-title", href: `/documents/${encodeURIComponent(one.source_id)}`, "data-link": true },
                    one.title || one.source_id,
                  ),
                  h("span", { class: "doc-error" }, one.error || one.error_code),
                  h(
                    "span",
                    { class: "quiet", title: exactly(one.at) },
                    [t("status.tries", { n: number(one.tries ?? 1) }), one.parked && t("status.parked"), when(one.at)]
                      .filter(Boolean)
                      .join(" · "),
                  ),
                ),
                admin &&
                  h(
                    "button",
                    { class: "button small", type: "button", onclick: () => retry(one) },
                    icon("retry", 15),
                    t("status.retry"),
                  ),
              ),
            ),
          )
        : h("p", { class: "side-empty" }, t("status.failures.none")),
    );
  }
}

// What keeps one's account one's own: password, second factor, sessions, API keys, linked accounts.
import { accountSide } from "./account.js";
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { form } from "./forms.js";
import { keysSection } from "./keys.js";
import { column, listing, nothing, section } from "./listing.js";
import { mfaSection } from "./mfa.js";
import { confirmDelete, notice, noticeProblem, show, skeleton } from "./parts.js";
import { go } from "./router.js";
import { whoami } from "./session.js";
import { exactly, t, when } from "./words.js";

export function securityPage({ place, side, query }) {
  accountSide(side, "/account/security");
  const body = column(place, { title: t("security.title"), subtitle: t("security.subtitle") });
  show(
    body,
    load,
    ([me, ways]) => [
      query.has("problem") && h("p", { class: "banner bad", role: "alert" }, icon("alert", 18), t("identities.failed")),
      query.has("required") &&
        !me.mfa_enabled &&
        h("p", { class: "banner warn", role: "status" }, icon("lock", 18), t("mfa.required")),
      passwordSection(me),
      mfaSection(me, () => go("/account/security")),
      sessionsSection(),
      keysSection(),
      (ways.providers ?? []).length > 0 && identitiesSection(ways.providers),
    ],
    () => skeleton(4, "cards"),
  );
}

const load = () => Promise.all([whoami(true), call("auth_methods")]);

function passwordSection(me) {
  const made = form({
    fields: [
      me.has_password && {
        name: "current_password",
        label: t("security.password.current"),
        type: "password",
        required: true,
        autocomplete: "current-password",
      },
      {
        name: "new_password",
        label: t("field.newpassword"),
        type: "password",
        required: true,
        hint: t("field.newpassword.hint"),
        autocomplete: "new-password",
      },
    ].filter(Boolean),
    submit: t(me.has_password ? "security.password.change" : "security.password.set"),
    quiet: true,
    onsubmit: async (values) => {
      await call("change_password", values);
      made.element.reset();
      notice(t("security.password.changed"));
    },
  });
  made.element.classList.add("two");
  return section(t("field.password"), { text: t("security.password.body") }, made.element);
}

/** "Firefox on Linux", from what a browser says of itself. */
function device(agent) {
  const browser = /Edg\//.test(agent)
    ? "Edge"
    : /OPR\//.test(agent)
      ? "Opera"
      : /Firefox\//.test(agent)
        ? "Firefox"
        : /Chrome\//.test(agent)
          ? "Chrome"
          : /Safari\//.test(agent)
            ? "Safari"
            : agent.split(/[/ ]/)[0];
  const system = /Android/.test(agent)
    ? "Android"
    : /iPhone|iPad/.test(agent)
      ? "iOS"
      : /Mac OS X/.test(agent)
        ? "macOS"
        : /Windows/.test(agent)
          ? "Windows"
          : /Linux/.test(agent)
            ? "Linux"
            : "";
  return [browser, system].filter(Boolean).join(" · ") || t("sessions.unknown");
}

function sessionsSection() {
  const end = async (one) => {
    if (
      !(await confirmDelete(
        t("sessions.end"),
        t("sessions.end.body", { name: device(one.user_agent) }),
        t("sessions.end.button"),
      ))
    )
      return;
    try {
      await call("end_session", { id: one.id });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const endOthers = async () => {
    if (!(await confirmDelete(t("sessions.others"), t("sessions.others.body"), t("sessions.others")))) return;
    try {
      await call("end_other_sessions");
      notice(t("sessions.others.done"));
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const list = listing({
    label: t("sessions.title"),
    load: (cursor) => call("sessions", { cursor }),
    empty: () => nothing(t("sessions.none")),
    row: (one) =>
      h(
        "li",
        { class: "row-item" },
        icon("device", 18),
        h(
          "span",
          { class: "doc-main" },
          h(
            "span",
            { class: "doc-title" },
            device(one.user_agent ?? ""),
            one.current && [" ", h("span", { class: "badge good" }, t("sessions.this"))],
          ),
          h(
            "span",
            { class: "quiet", title: exactly(one.last_used_at) },
            [one.address, t("sessions.used", { t: when(one.last_used_at) })].filter(Boolean).join(" · "),
          ),
        ),
        !one.current &&
          h("button", { class: "button small", type: "button", onclick: () => end(one) }, t("sessions.end.button")),
      ),
  });
  return section(
    t("sessions.title"),
    {
      text: t("sessions.body"),
      actions: [h("button", { class: "button", type: "button", onclick: endOthers }, t("sessions.others"))],
    },
    list.element,
  );
}

function identitiesSection(providers) {
  const unlink = async (one) => {
    const name = one.label;
    if (
      !(await confirmDelete(
        t("identities.unlink"),
        t("identities.unlink.body", { name }),
        t("identities.unlink.button"),
      ))
    )
      return;
    try {
      await call("unlink_identity", { id: one.id });
      list.refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const list = listing({
    label: t("identities.title"),
    load: (cursor) => call("identities", { cursor }),
    empty: () => nothing(t("identities.none")),
    row: (one) =>
      h(
        "li",
        { class: "row-item" },
        icon("link", 18),
        h(
          "span",
          { class: "doc-main" },
          h("span", { class: "doc-title" }, one.label),
          h("span", { class: "quiet" }, one.email ?? ""),
        ),
        h(
          "button",
          { class: "button small", type: "button", onclick: () => unlink(one) },
          t("identities.unlink.button"),
        ),
      ),
  });
  return section(
    t("identities.title"),
    { text: t("identities.body") },
    list.element,
    h(
      "div",
      { class: "row wrap" },
      providers.map((one) =>
        h(
          "a",
          { class: "button", href: `/api/v1/auth/oidc/${encodeURIComponent(one.name)}/start?next=/account/security` },
          icon("link", 16),
          t("identities.link", { name: one.label }),
        ),
      ),
    ),
  );
}

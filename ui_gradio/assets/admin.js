// For those who look after the company's accounts: invitations, mail that waits, and the list beside these pages.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { form } from "./forms.js";
import { column, listing, nothing, section, sideNav } from "./listing.js";
import { invitationRow } from "./members.js";
import { noticeProblem, notice } from "./parts.js";
import { go } from "./router.js";
import { may, whoami } from "./session.js";
import { exactly, t, when } from "./words.js";

const PLACES = [
  ["users:manage", "/admin/users", "users.title", "teams"],
  ["people:invite", "/admin/invitations", "invitations.title", "mail"],
  ["answers:review", "/admin/answers", "review.answers", "ask"],
  ["answers:review", "/admin/gaps", "gaps.title", "flag"],
  ["users:manage", "/admin/mail", "mail.title", "send"],
  ["assistant:manage", "/admin/assistant", "assistant.title", "sliders"],
  ["audit:read", "/admin/audit", "audit.title", "list"],
  ["analytics:read", "/admin/searches", "analytics.title", "chart"],
];

/** The administration pages that the person may open: [address, label, icon]. */
export const adminPlaces = (me) =>
  PLACES.filter(([permission]) => may(me, permission)).map(([, address, label, name]) => [address, t(label), name]);

export async function adminSide(side, current) {
  try {
    sideNav(side, t("nav.admin"), adminPlaces(await whoami()), current);
  } catch (error) {
    noticeProblem(error);
  }
}

/** /admin: the first of its pages that the person may open. */
export async function adminPage({ place }) {
  try {
    const [first] = adminPlaces(await whoami());
    go(first ? first[0] : "/");
  } catch (error) {
    column(place, { title: t("nav.admin") });
    noticeProblem(error);
  }
}

export function invitationsPage({ place, side }) {
  adminSide(side, "/admin/invitations");
  const body = column(place, { title: t("invitations.title"), subtitle: t("invitations.subtitle") });
  const list = listing({
    label: t("invitations.title"),
    load: (cursor) => call("invitations", { cursor }),
    empty: () => nothing(t("invitations.none")),
    row: (one) => invitationRow(one, list),
  });
  const made = form({
    fields: [
      {
        name: "email",
        label: t("field.email"),
        type: "email",
        required: true,
        maxlength: 254,
        placeholder: "name@example.com",
      },
      {
        name: "role",
        label: t("users.role"),
        value: "member",
        options: ["member", "guest"].map((role) => [role, t(`system.${role}`)]),
      },
    ],
    submit: t("invitations.send"),
    onsubmit: async (values) => {
      await call("invite", values);
      made.element.reset();
      notice(t("invitations.sent", { email: values.email }));
      list.refresh();
    },
  });
  made.element.classList.add("inline");
  body.append(
    section(t("invitations.invite"), { text: t("invitations.company.body") }, made.element),
    section(t("invitations.sofar"), {}, list.element),
  );
}

export function mailPage({ place, side }) {
  adminSide(side, "/admin/mail");
  const body = column(place, { title: t("mail.title"), subtitle: t("mail.subtitle") });
  const list = listing({
    label: t("mail.title"),
    load: (cursor) => call("mail", { cursor }),
    empty: () => nothing(t("mail.none")),
    row: (one) => {
      // A body that can be seen is one that no server sends: it is for the reader to pass on.
      const [look, state] = one.error
        ? ["bad", "failed"]
        : one.sent_at
          ? ["good", "sent"]
          : one.body
            ? ["quiet", "handover"]
            : ["warn", "waiting"];
      const head = [
        icon("mail", 18),
        h(
          "span",
          { class: "doc-main" },
          h("span", { class: "doc-title" }, one.subject),
          h("span", { class: "quiet" }, one.recipient),
          one.error && h("span", { class: "doc-error" }, one.error),
        ),
        h("span", { class: `badge ${look}` }, t(`mail.${state}`)),
        h(
          "time",
          { class: "quiet seen", datetime: one.created_at, title: exactly(one.created_at) },
          when(one.created_at),
        ),
      ];
      if (!one.body) return h("li", { class: "row-item" }, head);
      return h(
        "li",
        {},
        h(
          "details",
          { class: "fold" },
          h("summary", { class: "row-item" }, head),
          h("pre", { class: "mail-body" }, one.body),
        ),
      );
    },
  });
  body.append(list.element);
}

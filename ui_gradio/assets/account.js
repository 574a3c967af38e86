// One's own account: name, address, language, time zone, picture; taking everything along; leaving.
import { call, sendAvatar } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { ask, askByName, form } from "./forms.js";
import { column, section, sideNav } from "./listing.js";
import { notice, noticeProblem, show, skeleton } from "./parts.js";
import { avatar } from "./people.js";
import { whoami } from "./session.js";
import { chooseLanguage, language, t } from "./words.js";

const LANGUAGES = [
  ["en", "English"],
  ["ko", "한국어"],
];

export function accountSide(side, current) {
  sideNav(
    side,
    t("nav.account"),
    [
      ["/account", t("profile.title"), "person"],
      ["/account/security", t("security.title"), "lock"],
    ],
    current,
  );
}

export function accountPage({ place, side, onleave }) {
  let left = false;
  onleave(() => {
    left = true;
  });
  accountSide(side, "/account");
  const body = column(place, { title: t("profile.title"), subtitle: t("profile.subtitle") });
  show(
    body,
    () => whoami(true),
    draw,
    () => skeleton(4, "cards"),
  );

  async function again() {
    try {
      const me = await whoami(true);
      if (!left) fill(body, draw(me));
    } catch (error) {
      noticeProblem(error);
    }
  }

  function draw(me) {
    return [appearance(me), address(me), preferences(me), takeAlong(), leave(me)];
  }

  function appearance(me) {
    const input = h("input", {
      type: "file",
      accept: "image/png,image/jpeg,image/webp,image/gif",
      hidden: true,
      aria: { label: t("profile.picture") },
    });
    input.addEventListener("change", async () => {
      if (!input.files.length) return;
      try {
        await sendAvatar(input.files[0]);
        await again();
      } catch (error) {
        noticeProblem(error);
      }
    });
    const remove = async () => {
      try {
        await call("delete_avatar");
        await again();
      } catch (error) {
        noticeProblem(error);
      }
    };
    const named = form({
      fields: [
        {
          name: "name",
          label: t("field.name"),
          value: me.name,
          hint: t("field.name.hint"),
          required: true,
          autocomplete: "name",
        },
      ],
      submit: t("save"),
      quiet: true,
      onsubmit: async ({ name }) => {
        await call("change_me", { name });
        notice(t("saved"));
        await again();
      },
    });
    return section(
      t("profile.appearance"),
      {},
      h(
        "div",
        { class: "row picture" },
        avatar(me, 72),
        h(
          "div",
          { class: "row wrap" },
          input,
          h(
            "button",
            { class: "button", type: "button", onclick: () => input.click() },
            icon("upload", 16),
            t("profile.picture.choose"),
          ),
          me.avatar_url &&
            h("button", { class: "quiet-button", type: "button", onclick: remove }, t("profile.picture.remove")),
        ),
      ),
      named.element,
    );
  }

  function address(me) {
    const change = () =>
      ask({
        title: t("profile.email.change"),
        text: t("profile.email.change.body"),
        submit: t("profile.email.send"),
        fields: [
          {
            name: "email",
            label: t("field.email"),
            type: "email",
            required: true,
            maxlength: 254,
            autocomplete: "email",
          },
        ],
        onsubmit: async ({ email }) => {
          await call("change_me", { email });
          notice(t("profile.email.sent", { email }));
        },
      });
    return section(
      t("field.email"),
      {
        actions: [
          h(
            "button",
            { class: "button", type: "button", onclick: change },
            t(me.email ? "change" : "profile.email.add"),
          ),
        ],
      },
      h(
        "p",
        { class: "row" },
        me.email ? h("span", {}, me.email) : h("span", { class: "quiet" }, t("profile.email.none")),
        me.email &&
          (me.email_verified
            ? h("span", { class: "badge good" }, t("profile.email.verified"))
            : h("span", { class: "badge warn" }, t("profile.email.unverified"))),
      ),
    );
  }

  function preferences(me) {
    const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const known = [...new Set([me.time_zone, here, "UTC", ...zones].filter(Boolean))];
    const made = form({
      fields: [
        { name: "locale", label: t("account.language"), value: me.locale ?? language, options: LANGUAGES },
        {
          name: "time_zone",
          label: t("profile.zone"),
          value: me.time_zone ?? here,
          options: known.map((zone) => [zone, zone.replaceAll("_", " ")]),
        },
      ],
      submit: t("save"),
      quiet: true,
      onsubmit: async (values) => {
        await call("change_me", values);
        if (values.locale !== language) chooseLanguage(values.locale);
        else notice(t("saved"));
      },
    });
    made.element.classList.add("two");
    return section(t("profile.preferences"), {}, made.element);
  }

  function takeAlong() {
    return section(t("profile.export"), {
      text: t("profile.export.body"),
      actions: [
        h(
          "a",
          { class: "button", href: "/api/v1/users/me/export", download: "" },
          icon("download", 16),
          t("profile.export.button"),
        ),
      ],
    });
  }

  function leave(me) {
    const go = async () => {
      const proof = me.has_password
        ? [
            {
              name: "password",
              label: t("field.password"),
              type: "password",
              required: true,
              autocomplete: "current-password",
            },
          ]
        : me.mfa_enabled
          ? [{ name: "code", label: t("field.code"), required: true, autocomplete: "one-time-code" }]
          : [];
      const done = await askByName({
        title: t("profile.delete"),
        text: t("profile.delete.body"),
        name: me.name,
        submit: t("profile.delete"),
        fields: [
          {
            name: "attribution",
            label: t("attribution"),
            value: "keep",
            options: [
              ["keep", t("attribution.keep")],
              ["former member", t("attribution.former")],
              ["other name", t("attribution.other")],
            ],
          },
          { name: "name", label: t("attribution.name"), hint: t("attribution.name.hint") },
          ...proof,
        ],
        onsubmit: ({ typed, name, ...values }) =>
          call("delete_me", values.attribution === "other name" ? { ...values, name } : values),
      });
      if (done) location.assign("/sign-in");
    };
    return section(t("profile.delete"), {
      text: t("profile.delete.about"),
      danger: true,
      actions: [h("button", { class: "button danger", type: "button", onclick: go }, t("profile.delete.button"))],
    });
  }
}

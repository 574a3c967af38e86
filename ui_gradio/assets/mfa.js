// The second factor: set up with an app, recovery codes, turned off again.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { ask, form } from "./forms.js";
import { section } from "./listing.js";
import { dialog, notice, noticeProblem, show, skeleton } from "./parts.js";
import { copy, showOnce } from "./secrets.js";
import { number, t } from "./words.js";

const codeField = () => ({
  name: "code",
  label: t("field.code"),
  required: true,
  inputmode: "numeric",
  autocomplete: "one-time-code",
  maxlength: 40,
  autofocus: true,
});

/** `onenabled` is called when the second factor has been turned on: that may open what was closed before. */
export function mfaSection(me, onenabled) {
  const body = h("div");
  const refresh = () =>
    show(
      body,
      () => call("mfa"),
      draw,
      () => skeleton(1, "lines"),
    );
  refresh();
  return section(t("mfa.title"), { text: t("mfa.body") }, body);

  function draw(state) {
    if (!state.enabled)
      return h(
        "div",
        { class: "row between wrap" },
        h("span", { class: "badge quiet" }, t("mfa.off")),
        h("button", { class: "button primary", type: "button", onclick: setUp }, icon("lock", 16), t("mfa.setup")),
      );
    return h(
      "div",
      { class: "row between wrap" },
      h(
        "span",
        { class: "row" },
        h("span", { class: "badge good" }, t("mfa.on")),
        h(
          "span",
          { class: state.recovery_codes_left < 3 ? "warn-text" : "quiet" },
          t("mfa.left", { n: number(state.recovery_codes_left) }),
        ),
      ),
      h(
        "span",
        { class: "row wrap" },
        h("button", { class: "button", type: "button", onclick: newCodes }, t("mfa.codes.new")),
        h("button", { class: "button", type: "button", onclick: disable }, t("mfa.disable")),
      ),
    );
  }

  /** First proof that it is the person (their password), then the secret. */
  async function setUp() {
    try {
      const setup = me.has_password
        ? await ask({
            title: t("mfa.setup"),
            text: t("mfa.setup.password"),
            submit: t("continue"),
            fields: [
              {
                name: "password",
                label: t("field.password"),
                type: "password",
                required: true,
                autocomplete: "current-password",
                autofocus: true,
              },
            ],
            onsubmit: ({ password }) => call("mfa_setup", { password }),
          })
        : await call("mfa_setup", {});
      if (!setup) return;
      const codes = await confirm(setup);
      if (!codes) return refresh();
      await keep(codes);
      onenabled();
    } catch (error) {
      noticeProblem(error);
    }
  }

  function confirm(setup) {
    return new Promise((resolve) => {
      let confirming = null;
      const made = form({
        fields: [codeField()],
        submit: t("mfa.confirm"),
        onsubmit: async ({ code }) => {
          confirming = call("mfa_confirm", { code });
          await confirming;
          box.close();
        },
        oncancel: () => box.close(),
      });
      // An image, so that the drawing is not markup of this page; by itself it has to name what it is.
      const svg = setup.qr_svg.replace(/<svg(?![^>]*\sxmlns=)/, '<svg xmlns="http://www.w3.org/2000/svg"');
      const drawing = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
      const box = dialog(
        t("mfa.setup"),
        "dialog",
        h("h2", {}, t("mfa.setup")),
        h("p", {}, t("mfa.scan")),
        h("img", { class: "qr", src: drawing, width: "196", height: "196", alt: t("mfa.qr") }),
        h("p", { class: "quiet" }, t("mfa.manual")),
        h(
          "div",
          { class: "secret" },
          h("code", { data: { secret: setup.secret } }, setup.secret.replace(/(.{4})(?=.)/g, "$1 ")),
          h(
            "button",
            {
              class: "icon-button small",
              type: "button",
              aria: { label: t("secret.copy") },
              onclick: () => copy(setup.secret, box),
            },
            icon("copy", 15),
          ),
        ),
        made.element,
      );
      // Closed while the code was on its way: the codes that come back are shown all the same.
      const given = (answer) => answer?.recovery_codes ?? null;
      box.addEventListener("close", () => resolve(confirming?.then(given, () => null) ?? null));
      made.inputs.code.focus();
    });
  }

  async function newCodes() {
    const made = await ask({
      title: t("mfa.codes.new"),
      text: t("mfa.codes.new.body"),
      submit: t("mfa.codes.new"),
      fields: [codeField()],
      onsubmit: (values) => call("mfa_recovery_codes", values),
    });
    if (made) await keep(made.recovery_codes);
    if (made) refresh();
  }

  async function disable() {
    const done = await ask({
      title: t("mfa.disable"),
      text: t("mfa.disable.body"),
      submit: t("mfa.disable"),
      danger: true,
      fields: [codeField()],
      onsubmit: async (values) => {
        await call("mfa_disable", values);
      },
    });
    if (!done) return;
    notice(t("mfa.disabled"));
    refresh();
  }
}

const keep = (codes) =>
  showOnce({ title: t("mfa.codes"), text: t("mfa.codes.body"), lines: codes, filename: "nexus-recovery-codes.txt" });

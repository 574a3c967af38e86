// Sharing a conversation with people and teams, for reading.
import { call } from "./bridge.js";
import { h, icon } from "./dom.js";
import { listing, nothing } from "./listing.js";
import { dialog, noticeProblem } from "./parts.js";
import { avatar, picker } from "./people.js";
import { t } from "./words.js";

/** The dialog for one conversation; `onchange` is called when somebody was let in or out. */
export function openConversationShare(conversation, onchange) {
  const list = listing({
    label: t("share.with"),
    load: (cursor) => call("conversation_shares", { id: conversation.id, cursor }),
    empty: () => nothing(t("conversation.share.none")),
    row,
  });
  const give = (field) => async (one) => {
    try {
      await call("share_conversation", { id: conversation.id, [field]: one.id });
      list.refresh();
      onchange();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const teams = async (q) => (await call("teams_list", { q, archived: "false", limit: 8 })).items;
  const box = dialog(
    t("conversation.share"),
    "dialog share",
    h("h2", {}, t("conversation.share.named", { title: conversation.title })),
    h("p", { class: "quiet" }, t("conversation.share.body")),
    h(
      "div",
      { class: "share-add pair" },
      picker({ label: t("share.person"), onpick: give("user_id") }),
      picker({ label: t("share.team"), onpick: give("team_id"), search: teams }),
    ),
    h("p", { class: "label" }, t("share.with")),
    list.element,
    h(
      "div",
      { class: "row end" },
      h("button", { class: "button", type: "button", onclick: () => box.close() }, t("close")),
    ),
  );

  function row(share) {
    return h(
      "li",
      { class: "row-item" },
      share.team_id ? icon("teams", 18) : avatar(share, 28),
      h("span", { class: "doc-main doc-title" }, h("span", { class: "clip" }, share.name)),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          aria: { label: t("share.stop.name", { name: share.name }) },
          onclick: () => stop(share),
        },
        icon("x", 17),
      ),
    );
  }

  async function stop(share) {
    try {
      await call("unshare_conversation", { id: conversation.id, share_id: share.id });
      list.refresh();
      onchange();
    } catch (error) {
      noticeProblem(error);
    }
  }
}

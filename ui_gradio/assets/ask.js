// Ask: the question box, a conversation, and the list of conversations.
import { turn } from "./answer.js";
import { ask, call } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { confirmDelete, emptyState, errorState, menu, noticeProblem, show, skeleton } from "./parts.js";
import { go, replaceAddress } from "./router.js";
import { t, tn, when } from "./words.js";
import { writableSpaces, spaces } from "./session.js";

let scope = []; // ids of the spaces to ask in; none: all

/** The page; `params.id` is an open conversation's, `query.q` a question to ask at once. */
export function askPage({ params, query, place, side, onleave }) {
  let conversationId = params.id ?? null;
  let running = null; // {stop()}
  const turns = h("div", { class: "turns" });
  const scroller = h("div", { class: "scroll" }, turns);
  const box = composer(submit, () => running?.stop());
  place.classList.add("ask-page");
  fill(place, scroller, h("div", { class: "composer-dock" }, box.element));
  const history = historyList(side, () => conversationId, (id) => id === conversationId && go("/"));
  onleave(() => running?.leave());

  if (conversationId) openConversation();
  else if (query.get("q")) {
    replaceAddress("/");
    submit(query.get("q"));
  } else empty();

  async function empty() {
    place.classList.add("fresh");
    box.focus();
    const start = h("div", { class: "start" });
    fill(turns, h("div", { class: "hero" }, h("h1", {}, t("ask.title")), h("p", { class: "lead" }, t("ask.subtitle"))), start);
    show(start, () => Promise.all([spaces(true), call("documents", { limit: 30 })]), ([all, recent]) => startingPoints(all, recent.items), () => skeleton(3));
  }

  function startingPoints(all, recent) {
    if (!recent.length) {
      return emptyState("knowledge", t("ask.nothing.title"), t("ask.nothing"),
        writableSpaces().length > 0 && h("a", { class: "button primary", href: "/knowledge?add", "data-link": true }, icon("upload", 16), t("ask.add")));
    }
    const examples = worthAsking(recent);
    return [
      examples.length > 0 && h("section", {}, h("h2", { class: "label" }, t("ask.examples")),
        h("div", { class: "examples" }, examples.map((document, at) => {
          const question = t(`ask.example.${(at % 2) + 1}`, { title: document.title });
          return h("button", { class: "example", type: "button", onclick: () => submit(question) }, h("span", {}, question), icon("right", 16));
        }))),
      h("section", {}, h("h2", { class: "label" }, t("ask.spaces")),
        h("div", { class: "tags" }, all.filter((space) => space.document_count > 0).map((space) =>
          h("button", { class: "tag", type: "button", aria: { pressed: String(scope.includes(space.id)) }, onclick: (event) => {
            scope = scope.includes(space.id) ? scope.filter((id) => id !== space.id) : [...scope, space.id];
            event.currentTarget.setAttribute("aria-pressed", String(scope.includes(space.id)));
            box.drawScope();
            box.focus();
          } }, icon("space", 15), space.name, h("span", { class: "count" }, tn("documents", space.document_count)))))),
      h("section", {}, h("h2", { class: "label" }, t("ask.recent")),
        h("ul", { class: "recent" }, recent.slice(0, 4).map((document) => h("li", {},
          h("a", { href: `/documents/${document.id}`, "data-link": true }, icon("file", 16), h("span", { class: "grow clip" }, document.title),
            h("span", { class: "quiet" }, `${document.space.name} · ${when(document.updated_at)}`)))))),
    ];
  }

  async function openConversation() {
    box.followUp();
    fill(turns, skeleton(4));
    try {
      const conversation = await call("conversation", { id: conversationId });
      fill(turns);
      let last = null;
      for (const message of conversation.messages) {
        if (message.role === "user") {
          last = addTurn(message.content);
        } else {
          (last ?? addTurn("")).draw({ done: true, steps: [], answer: { ...message.answer, answer: message.content, citations: message.citations } });
        }
      }
      scroller.scrollTop = scroller.scrollHeight;
      box.focus();
    } catch (error) {
      fill(turns, errorState(error, error.status === 404 ? null : openConversation));
    }
  }

  function addTurn(question) {
    // Asking again takes the place of the try that failed.
    const one = turn(question, () => {
      if (running) return;
      one.element.remove();
      submit(question);
    });
    turns.append(one.element);
    return one;
  }

  function submit(question) {
    if (running) return;
    if (place.classList.contains("fresh")) {
      place.classList.remove("fresh");
      fill(turns);
    }
    const one = addTurn(question);
    let latest = { steps: [], text: "", done: false };
    one.draw(latest);
    one.element.scrollIntoView({ block: "start" });
    box.working(true);
    const request = { message: question, conversation_id: conversationId, space_ids: scope };
    const stop = ask(request, (frame) => {
      latest = frame;
      one.draw(frame);
      if (frame.conversation_id && !conversationId) {
        conversationId = frame.conversation_id;
        replaceAddress(`/conversations/${encodeURIComponent(conversationId)}`);
      }
      if (frame.done) finish();
    });
    const finish = () => {
      running = null;
      box.working(false);
      box.followUp();
      history.refresh();
    };
    running = {
      leave: stop,
      stop: () => {
        stop();
        one.draw({ ...latest, done: true, stopped: true });
        finish();
      },
    };
  }
}

/** Up to three documents that make a good example: read, of some length, with a title that says something. */
function worthAsking(documents) {
  const weight = ({ title, index }) => (/\s/.test(title.trim()) ? 2 : 0) + (index.chunk_count > 1 ? 1 : 0);
  return documents.filter(({ index }) => index.status === "indexed").sort((a, b) => weight(b) - weight(a)).slice(0, 3);
}

function composer(onsubmit, onstop) {
  const input = h("textarea", { rows: "1", placeholder: t("ask.placeholder"), aria: { label: t("ask.placeholder") }, maxlength: "4000" });
  const send = h("button", { class: "send", type: "submit", aria: { label: t("ask.send") }, disabled: true }, icon("send"));
  const stop = h("button", { class: "send stop", type: "button", hidden: true, aria: { label: t("ask.stop") }, onclick: onstop }, icon("stop"));
  const scopeButton = h("button", { class: "quiet-button", type: "button", disabled: true });
  let busy = false;
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
    send.disabled = busy || !input.value.trim();
  };
  const element = h("form", { class: "composer", onsubmit: (event) => {
    event.preventDefault();
    const question = input.value.trim();
    if (!question || busy) return;
    input.value = "";
    grow();
    onsubmit(question);
  } }, input, h("div", { class: "composer-row" },
    menu(scopeButton, () => [
      { label: t("space.all"), checked: scope.length === 0, onclick: () => { scope = []; drawScope(); } },
      ...spacesNow.map((space) => ({ label: space.name, checked: scope.includes(space.id), onclick: () => {
        scope = scope.includes(space.id) ? scope.filter((id) => id !== space.id) : [...scope, space.id];
        drawScope();
      } }))], "above"),
    h("span", { class: "grow" }), send, stop));
  let spacesNow = [];
  const drawScope = () => {
    const names = spacesNow.filter((space) => scope.includes(space.id)).map((space) => space.name);
    fill(scopeButton, icon("space", 15), h("span", { class: "clip" }, names.length ? names.join(", ") : t("space.all")), icon("down", 14));
    scopeButton.setAttribute("aria-label", `${t("ask.scope")}: ${names.join(", ") || t("space.all")}`);
  };
  spaces().then((all) => { spacesNow = all; scopeButton.disabled = false; drawScope(); }, noticeProblem);
  drawScope();
  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    // Enter that ends the composition of a Hangul syllable is not a question sent.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      element.requestSubmit();
    }
  });
  return {
    element,
    drawScope,
    focus: () => matchMedia("(min-width: 900px)").matches && input.focus({ preventScroll: true }),
    followUp: () => { input.placeholder = t("ask.followup"); },
    working: (now) => { busy = now; send.hidden = now; stop.hidden = !now; grow(); },
  };
}

/** The list beside the page: earlier conversations. */
function historyList(side, current, ondeleted) {
  const list = h("div", { class: "side-list" });
  fill(side, h("div", { class: "side-head" }, h("h2", {}, t("ask.history")),
    h("a", { class: "icon-button", href: "/", "data-link": true, title: t("ask.new"), aria: { label: t("ask.new") } }, icon("plus"))), list);
  let items = [];
  let cursor = null;
  const draw = () => {
    if (!items.length) return h("p", { class: "side-empty" }, t("ask.history.none"));
    return [h("ul", {}, items.map((one) => h("li", { class: one.id === current() ? "current" : "" },
      h("a", { href: `/conversations/${encodeURIComponent(one.id)}`, "data-link": true, title: one.title, aria: one.id === current() ? { current: "page" } : {} },
        h("span", { class: "clip" }, one.title || t("ask.new")), h("span", { class: "quiet" }, when(one.updated_at))),
      h("button", { class: "icon-button small", type: "button", aria: { label: `${t("delete")}: ${one.title}` }, onclick: () => remove(one) }, icon("trash", 15))))),
    cursor && h("button", { class: "more", type: "button", onclick: more }, t("more"))];
  };
  const take = (page) => {
    items = page.items;
    cursor = page.next_cursor;
    return draw();
  };
  const more = async () => {
    try {
      const page = await call("conversations", { cursor });
      items.push(...page.items);
      cursor = page.next_cursor;
      fill(list, draw());
    } catch (error) {
      noticeProblem(error);
    }
  };
  const remove = async (one) => {
    if (!(await confirmDelete(t("ask.history.delete"), t("ask.history.delete.body", { title: one.title })))) return;
    try {
      await call("delete_conversation", { id: one.id });
      ondeleted(one.id);
      refresh();
    } catch (error) {
      noticeProblem(error);
    }
  };
  const refresh = async () => {
    try {
      fill(list, take(await call("conversations")));
    } catch (error) {
      noticeProblem(error);
    }
  };
  show(list, () => call("conversations"), take, () => skeleton(4, "lines"));
  return { refresh };
}

// Ask: where one starts, and a conversation.
import { turn } from "./answer.js";
import { ask, call } from "./bridge.js";
import { composer, scope, toggleScope } from "./composer.js";
import { fill, h, icon } from "./dom.js";
import { historyList } from "./history.js";
import { emptyState, errorState, show, skeleton } from "./parts.js";
import { go, replaceAddress } from "./router.js";
import { spaces, writableSpaces } from "./session.js";
import { t, tn, when } from "./words.js";

/** The page; `params.id` is an open conversation's, `query.q` a question to ask at once. */
export function askPage({ params, query, place, side, onleave }) {
  let conversationId = params.id ?? null;
  let running = null; // {stop()}
  const turns = h("div", { class: "turns" });
  const scroller = h("div", { class: "scroll" }, turns);
  const box = composer(submit, () => running?.stop());
  fill(place, scroller, h("div", { class: "composer-dock" }, box.element));
  const history = historyList(
    side,
    () => conversationId,
    (id) => id === conversationId && go("/"),
  );
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
    fill(
      turns,
      h("div", { class: "hero" }, h("h1", {}, t("ask.title")), h("p", { class: "lead" }, t("ask.subtitle"))),
      start,
    );
    show(
      start,
      () => Promise.all([spaces(true), call("documents", { limit: 30 })]),
      ([all, recent]) => startingPoints(all, recent.items),
      () => skeleton(3),
    );
  }

  function startingPoints(all, recent) {
    if (!recent.length) {
      return emptyState(
        "knowledge",
        t("ask.nothing.title"),
        t("ask.nothing"),
        writableSpaces().length > 0 &&
          h(
            "a",
            { class: "button primary", href: "/knowledge?add", "data-link": true },
            icon("upload", 16),
            t("ask.add"),
          ),
      );
    }
    const examples = worthAsking(recent);
    return [
      examples.length > 0 &&
        h(
          "section",
          {},
          h("h2", { class: "label" }, t("ask.examples")),
          h(
            "div",
            { class: "examples" },
            examples.map((document, at) => {
              const question = t(`ask.example.${(at % 2) + 1}`, { title: document.title });
              return h(
                "button",
                { class: "example", type: "button", onclick: () => submit(question) },
                h("span", {}, question),
                icon("right", 16),
              );
            }),
          ),
        ),
      h(
        "section",
        {},
        h("h2", { class: "label" }, t("ask.spaces")),
        h(
          "div",
          { class: "tags" },
          all
            .filter((space) => space.document_count > 0)
            .map((space) =>
              h(
                "button",
                {
                  class: "tag",
                  type: "button",
                  aria: { pressed: String(scope().includes(space.id)) },
                  onclick: (event) => {
                    toggleScope(space.id);
                    event.currentTarget.setAttribute("aria-pressed", String(scope().includes(space.id)));
                    box.drawScope();
                    box.focus();
                  },
                },
                icon("space", 15),
                space.name,
                h("span", { class: "count" }, tn("documents", space.document_count)),
              ),
            ),
        ),
      ),
      h(
        "section",
        {},
        h("h2", { class: "label" }, t("ask.recent")),
        h(
          "ul",
          { class: "recent" },
          recent
            .slice(0, 4)
            .map((document) =>
              h(
                "li",
                {},
                h(
                  "a",
                  { href: `/documents/${document.id}`, "data-link": true },
                  icon("file", 16),
                  h("span", { class: "grow clip" }, document.title),
                  h("span", { class: "quiet" }, `${document.space.name} · ${when(document.updated_at)}`),
                ),
              ),
            ),
        ),
      ),
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
          (last ?? addTurn("")).draw({
            done: true,
            steps: [],
            answer: { ...message.answer, answer: message.content, citations: message.citations },
          });
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
    const request = { message: question, conversation_id: conversationId, space_ids: scope() };
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
  return documents
    .filter(({ index }) => index.status === "indexed")
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, 3);
}

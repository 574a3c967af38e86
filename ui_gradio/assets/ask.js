// Ask: where one starts, and a conversation.
import { ask, call } from "./bridge.js";
import { composer } from "./composer.js";
import { fill, h } from "./dom.js";
import { historyList } from "./history.js";
import { errorState, noticeProblem, skeleton } from "./parts.js";
import { go, replaceAddress } from "./router.js";
import { everywhere, scopeOf, sent } from "./scope.js";
import { spaces } from "./session.js";
import { sharedBanner } from "./sharedbanner.js";
import { markChosen, startPage } from "./start.js";
import { turn } from "./turn.js";

let startScope = everywhere(); // what was chosen for new questions, kept from page to page

/** The page; `params.id` is an open conversation's. `query.q` is a question to ask at once; `query.space` and
 *  `query.document` keep the question to one. */
export function askPage({ params, query, place, side, onleave }) {
  let conversationId = params.id ?? null;
  let scope = startScope;
  let mine = true;
  let running = null; // {stop(), leave()}
  let turns = []; // [{turn, questionId}], as they stand on the page
  const list = h("div", { class: "turns" });
  const scroller = h("div", { class: "scroll" }, list);
  const box = composer({
    submit: (question) => submit(question),
    stop: () => running?.stop(),
    last: () => {
      if (running || !turns.length) return false;
      turns.at(-1).turn.edit();
      return true;
    },
    changed: () => markChosen(list, scope),
  });
  const dock = h("div", { class: "composer-dock" }, box.element);
  fill(place, scroller, dock);
  const history = historyList(
    side,
    () => conversationId,
    (id) => id === conversationId && go("/"),
  );
  onleave(() => running?.leave());
  begin();

  async function begin() {
    box.use(scope);
    if (conversationId) return openConversation();
    const kept = { space_ids: query.getAll("space"), document_ids: query.getAll("document") };
    const question = query.get("q");
    if (kept.space_ids.length || kept.document_ids.length) {
      if (kept.space_ids.length) await spaces().catch(noticeProblem);
      scope = await scopeOf(kept);
      box.use(scope);
    }
    if (question || scope !== startScope) replaceAddress("/");
    if (question) return submit(question);
    place.classList.add("fresh");
    box.focus();
    fill(
      list,
      startPage({
        ask: submit,
        scope: () => scope,
        changed: () => {
          box.drawScope();
          markChosen(list, scope);
          box.focus();
        },
      }),
    );
  }

  async function openConversation() {
    box.followUp();
    fill(list, skeleton(4));
    try {
      const [conversation] = await Promise.all([call("conversation", { id: conversationId }), spaces()]);
      mine = conversation.mine !== false;
      dock.hidden = !mine;
      scope = await scopeOf(conversation.scope);
      box.use(scope);
      fill(list, !mine && sharedBanner(conversation));
      turns = [];
      for (const message of conversation.messages) {
        if (message.role === "user") addTurn(message.content, null, message.id);
        else (turns.at(-1) ?? addTurn("")).turn.draw({ done: true, steps: [], answer: answerOf(message) });
      }
      // A question that never got its answer can be asked again.
      const last = turns.at(-1);
      if (last && conversation.messages.at(-1).role === "user") last.turn.draw({ done: true, steps: [], stopped: true });
      scroller.scrollTop = scroller.scrollHeight;
      if (mine) box.focus();
    } catch (error) {
      fill(list, errorState(error, error.status === 404 ? null : openConversation));
    }
  }

  function addTurn(question, asked = null, questionId = null) {
    const one = { questionId };
    one.turn = turn(
      question,
      {
        mine,
        later: () => turns.length - 1 - turns.indexOf(one),
        again: (words) => !running && submit(words, one),
        ask: (words) => submit(words),
      },
      asked,
    );
    turns.push(one);
    list.append(one.turn.element);
    return one;
  }

  /** Ask; `instead` is the turn whose place the question takes, with all that came after it. */
  async function submit(question, instead = null) {
    if (running) return;
    box.working(true);
    let gone = false;
    running = { stop: () => {}, leave: () => (gone = true) };
    const replaces = instead && (await idOf(instead));
    if (gone) return;
    if (place.classList.contains("fresh")) {
      place.classList.remove("fresh");
      fill(list);
    }
    const replaced = instead ? turns.splice(turns.indexOf(instead)) : [];
    for (const old of replaced) old.turn.element.remove();
    const one = addTurn(question, { ...scope });
    let latest = { steps: [], text: "", done: false };
    one.turn.draw(latest);
    one.turn.element.scrollIntoView({ block: "start" });
    const request = { message: question, conversation_id: conversationId, replaces, ...sent(scope) };
    const stop = ask(request, (frame) => {
      latest = frame;
      one.turn.draw(frame);
      one.questionId = frame.answer?.question_id ?? one.questionId;
      if (frame.conversation_id && !conversationId) {
        conversationId = frame.conversation_id;
        replaceAddress(`/conversations/${encodeURIComponent(conversationId)}`);
      }
      if (frame.done) finish();
    });
    const finish = () => {
      if (!latest.answer) keep(replaced, one);
      running = null;
      box.working(false);
      box.followUp();
      history.refresh();
    };
    running = {
      leave: stop,
      stop: () => {
        stop();
        one.turn.draw({ ...latest, done: true, stopped: true });
        finish();
      },
    };
  }

  /** What was to be replaced by a turn without an answer is there still, and shown before it. */
  function keep(replaced, one) {
    turns.splice(turns.indexOf(one), 0, ...replaced);
    for (const old of replaced) one.turn.element.before(old.turn.element);
  }

  /** The id of a turn's question. One that was stopped or failed has not said it: then the conversation knows. */
  async function idOf(one) {
    if (one.questionId || !conversationId) return one.questionId;
    try {
      const { messages } = await call("conversation", { id: conversationId });
      one.questionId = messages.filter((message) => message.role === "user")[turns.indexOf(one)]?.id ?? null;
    } catch (error) {
      noticeProblem(error);
    }
    return one.questionId;
  }
}

/** A kept answer as the stream gives it. */
const answerOf = ({ id, content, citations, answer, feedback }) => ({
  ...answer,
  answer: content,
  citations,
  message_id: id,
  feedback,
});

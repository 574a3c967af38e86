// Adding documents: several files at once, each with its own progress and its own words when it fails.
import { call, upload } from "./bridge.js";
import { fill, h, icon } from "./dom.js";
import { explain, noticeProblem } from "./parts.js";
import { spaces, writableSpaces } from "./session.js";
import { newSpace } from "./spaces.js";
import { bytes, t, tn } from "./words.js";

const AT_ONCE = 2;
const FIRST_LOOK_MS = 400;
const SLOWEST_LOOK_MS = 4000;

// Lives as long as the tab: leaving the page does not stop what is being sent.
const queue = [];
let sending = 0;
let listeners = new Set();
const tell = (item) => listeners.forEach((listener) => listener(item));

function set(item, change) {
  Object.assign(item, change);
  tell(item);
}

function pump() {
  while (sending < AT_ONCE) {
    const item = queue.find((one) => one.state === "waiting");
    if (!item) return;
    sending += 1;
    send(item).finally(() => {
      sending -= 1;
      pump();
    });
  }
}

async function send(item) {
  set(item, { state: "sending", share: 0, words: "" });
  try {
    const { done } = upload(item, (share) => set(item, { share }));
    const { document, outcome } = await done;
    set(item, {
      document,
      state: outcome === "unchanged" && document.index.status === "indexed" ? "unchanged" : "reading",
    });
  } catch (error) {
    const { title, detail } = explain(error);
    set(item, { state: "unsent", words: detail || title });
    return;
  }
  if (item.state === "reading") follow(item);
}

/** Look until the document is indexed or has failed, less and less often. */
async function follow(item, pause = FIRST_LOOK_MS) {
  await new Promise((resolve) => setTimeout(resolve, pause));
  try {
    const document = await call("document", { id: item.document.id });
    const { status, error } = document.index;
    if (status === "indexed") return set(item, { document, state: "ready" });
    if (status === "failed") return set(item, { document, state: "failed", words: error ?? "" });
  } catch (error) {
    if (error.status === 404 || error.status === 401)
      return set(item, { state: "failed", words: explain(error).detail });
  }
  return follow(item, Math.min(pause * 1.5, SLOWEST_LOOK_MS));
}

/** The upload panel of a page. `spaceId()` is the space that the page shows; `onchange` is called when a document
 *  has come or its state has changed. */
export function uploader({ spaceId, onchange }) {
  const rows = new Map();
  const list = h("ul", { class: "uploads", aria: { live: "polite" } });
  const choice = h("select", { class: "field", aria: { label: t("upload.space") } });
  const hint = h("p", { class: "quiet" });
  const files = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    onchange: () => {
      add([...files.files]);
      files.value = "";
    },
  });
  const folder = h("input", {
    type: "file",
    multiple: true,
    webkitdirectory: true,
    hidden: true,
    onchange: () => {
      add([...folder.files]);
      folder.value = "";
    },
  });
  const drop = h(
    "div",
    { class: "drop" },
    icon("upload", 24),
    h("p", {}, h("strong", {}, t("upload.drop"))),
    h(
      "div",
      { class: "row center" },
      h("button", { class: "button", type: "button", onclick: () => files.click() }, t("upload.choose")),
      h("button", { class: "button", type: "button", onclick: () => folder.click() }, t("upload.folder")),
    ),
    files,
    folder,
  );
  const element = h(
    "section",
    { class: "upload", hidden: true, aria: { label: t("upload.title") } },
    h(
      "div",
      { class: "row between" },
      h("h2", {}, t("upload.title")),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          aria: { label: t("close") },
          onclick: () => {
            element.hidden = true;
          },
        },
        icon("x"),
      ),
    ),
    h(
      "div",
      { class: "row wrap" },
      h("label", { class: "grow" }, h("span", { class: "label" }, t("upload.space")), choice),
      h(
        "button",
        { class: "button", type: "button", onclick: () => newSpace((space) => drawChoice(space.id)) },
        icon("plus", 16),
        t("knowledge.newspace"),
      ),
    ),
    hint,
    drop,
    list,
  );

  async function drawChoice(chosen) {
    try {
      await spaces();
    } catch (error) {
      noticeProblem(error);
    }
    const writable = writableSpaces();
    const current = chosen ?? (choice.value || spaceId());
    fill(
      choice,
      writable.map((space) => h("option", { value: space.id, selected: space.id === current }, space.name)),
    );
    fill(hint, writable.length ? null : t("upload.readonly"));
    drop.hidden = !writable.length;
  }

  function add(chosen) {
    if (!choice.value) return;
    for (const file of chosen) {
      if (file.name.startsWith(".")) continue; // what an operating system leaves in folders
      queue.push({
        file,
        spaceId: choice.value,
        path: file.webkitRelativePath || "",
        state: "waiting",
        share: 0,
        words: "",
        document: null,
      });
      tell(queue.at(-1));
    }
    pump();
  }

  function drawRow(item) {
    let row = rows.get(item);
    if (!row) {
      row = { bar: h("span"), state: h("span", { class: "upload-state" }), element: h("li"), drawn: null };
      rows.set(item, row);
      list.append(row.element);
    }
    row.bar.style.width = `${Math.round(item.share * 100)}%`;
    fill(row.state, stateWords(item));
    if (row.drawn === item.state) return;
    if (["reading", "ready", "failed", "unchanged"].includes(item.state)) onchange();
    row.drawn = item.state;
    row.element.className = item.state;
    const again = ["unsent", "failed"].includes(item.state);
    fill(
      row.element,
      mark(item.state),
      h(
        "span",
        { class: "grow" },
        h(
          "span",
          { class: "upload-name" },
          item.document && item.state !== "unsent"
            ? h(
                "a",
                { href: `/documents/${encodeURIComponent(item.document.id)}`, "data-link": true },
                item.path || item.file.name,
              )
            : item.path || item.file.name,
          h("span", { class: "quiet" }, bytes(item.file.size)),
        ),
        row.state,
        item.words && h("span", { class: "doc-error" }, item.words),
        item.state === "sending" && h("span", { class: "bar" }, row.bar),
      ),
      again &&
        h(
          "button",
          {
            class: "button small",
            type: "button",
            onclick: () => {
              item.state = "waiting";
              tell(item);
              pump();
            },
          },
          icon("retry", 15),
          t("retry"),
        ),
    );
  }

  function stateWords(item) {
    if (item.state === "sending") return t("upload.sending", { n: Math.round(item.share * 100) });
    if (item.state === "ready") return tn("upload.ready", item.document.index.chunk_count);
    return t(`upload.${item.state}`);
  }

  function open() {
    element.hidden = false;
    drawChoice();
    element.scrollIntoView({ block: "nearest" });
    drop.querySelector("button").focus();
  }

  const hear = (item) => {
    if (!element.isConnected) return listeners.delete(hear);
    element.hidden = false;
    drawRow(item);
  };
  // Only the page that is shown listens.
  listeners = new Set([hear]);
  requestAnimationFrame(() => {
    const unfinished = queue.filter((item) => !["ready", "unchanged"].includes(item.state));
    for (const item of unfinished) hear(item);
    if (unfinished.length) drawChoice();
  });

  return {
    element,
    open,
    /** Take files that are dropped anywhere on `place`. */
    acceptDrops(place) {
      const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
      place.addEventListener("dragover", (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        place.classList.add("dropping");
      });
      place.addEventListener(
        "dragleave",
        (event) => !place.contains(event.relatedTarget) && place.classList.remove("dropping"),
      );
      place.addEventListener("drop", async (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        place.classList.remove("dropping");
        const dropped = [...event.dataTransfer.files];
        element.hidden = false;
        await drawChoice();
        add(dropped);
      });
    },
  };
}

function mark(state) {
  if (["ready", "unchanged"].includes(state)) return h("span", { class: "good-text" }, icon("check", 17));
  if (["failed", "unsent"].includes(state)) return h("span", { class: "bad-text" }, icon("alert", 17));
  return state === "waiting" ? h("span", { class: "quiet" }, icon("clock", 17)) : h("span", { class: "spinner" });
}

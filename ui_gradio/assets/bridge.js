// The way from the pages to Python: Gradio's server functions and its event stream.
//
// Gradio draws its components a moment after this module runs; calls made before that wait for it.

/** The API refused or failed; `document` is its problem document (RFC 9457). */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.document = problem;
    this.status = problem.status;
    this.code = problem.code;
  }
}

const PATIENCE_MS = 30_000;
let links = null;

function link() {
  links ??= new Promise((resolve, reject) => {
    const look = () => {
      const found = window.nexusLink;
      if (!found?.actions || !found?.feed) return;
      window.removeEventListener("nexus:link", look);
      resolve(found.actions);
    };
    window.addEventListener("nexus:link", look);
    setTimeout(() => reject(new Problem({ status: 0, code: "unreachable", title: "" })), PATIENCE_MS);
    look();
  });
  return links;
}

/** Call an action of ui_gradio/actions.py. Throws a Problem. */
export async function call(action, payload = {}) {
  const { server } = await link();
  let answer;
  try {
    answer = await server[action](payload);
  } catch (error) {
    throw new Problem({ status: 0, code: "unreachable", title: "", detail: "" });
  }
  // Gradio's client gives nothing when the network is gone, and its own error object when the call broke.
  if (!answer || (answer.data === undefined && !answer.problem)) {
    throw new Problem({ status: 0, code: "unreachable", title: "", detail: "" });
  }
  if (answer.problem) {
    if (isSignedOut(answer.problem)) signInAgain();
    if (answer.problem.code === "mfa_setup_required" && location.pathname !== "/account/security")
      location.assign("/account/security?required");
    throw new Problem(answer.problem);
  }
  return answer.data;
}

// A wrong password or code is refused with 401 too, and says nothing about the session.
const isSignedOut = (problem) =>
  problem.status === 401 && !["invalid_credentials", "mfa_required", "mfa_invalid"].includes(problem.code);

let leaving = false;

/** The session is over: sign in, and come back here. */
export function signInAgain() {
  if (leaving) return; // calls that were under way when the person signed out
  const next = location.pathname + location.search;
  location.assign(`/sign-in?next=${encodeURIComponent(next)}`);
}

/** End the session and show the sign-in page. Throws a Problem when the server cannot be reached. */
export async function signOut() {
  leaving = true;
  try {
    await fetch("/api/v1/auth/logout", { method: "POST" });
  } catch {
    leaving = false;
    throw new Problem({ status: 0, code: "unreachable", title: "" });
  }
  location.assign("/sign-in");
}

let runs = 0;

/** Ask the assistant; `onframe` gets each frame of ui_gradio/asking.py, the last one with `done`. Gives a function
 *  that stops the answer. */
export function ask(request, onframe) {
  const run = `${Date.now()}-${++runs}`;
  let over = false;
  const finish = () => {
    over = true;
    window.removeEventListener("nexus:frame", hear);
  };
  const hear = ({ detail: frame }) => {
    if (over || frame?.run !== run) return;
    if (frame.done) finish();
    if (frame.problem && isSignedOut(frame.problem)) signInAgain();
    onframe(frame);
  };
  window.addEventListener("nexus:frame", hear);
  link()
    .then(({ trigger }) => !over && trigger("ask", { ...request, run }))
    .catch((problem) => {
      finish();
      onframe({ run, steps: [], text: "", answer: null, problem: problem.document, done: true });
    });
  return () => {
    if (over) return;
    finish();
    link().then(({ trigger }) => trigger("stop"));
  };
}

/** Send a picture of oneself to the API. Throws a Problem. */
export async function sendAvatar(file) {
  const body = new FormData();
  body.append("file", file, file.name);
  let answer;
  try {
    answer = await fetch("/api/v1/users/me/avatar", { method: "PUT", body });
  } catch {
    throw new Problem({ status: 0, code: "unreachable", title: "" });
  }
  if (answer.ok) return;
  const problem = await answer.json().catch(() => ({ title: `HTTP ${answer.status}` }));
  throw new Problem({ ...problem, status: answer.status });
}

/** Send one file to the API. `onprogress` gets the share sent, 0..1. Resolves to {document, outcome}. */
export function upload({ file, spaceId, path }, onprogress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    const body = new FormData();
    body.append("space_id", spaceId);
    if (path) body.append("path", path);
    body.append("file", file, file.name);
    request.upload.addEventListener(
      "progress",
      (event) => event.lengthComputable && onprogress(event.loaded / event.total),
    );
    request.addEventListener("load", () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = { title: `HTTP ${request.status}` };
      }
      if (request.status >= 200 && request.status < 300) resolve(answer);
      else reject(new Problem({ code: `http_${request.status}`, ...answer, status: request.status }));
    });
    request.addEventListener("error", () => reject(new Problem({ status: 0, code: "unreachable", title: "" })));
    request.open("POST", "/api/v1/documents/upload");
    request.send(body);
  });
  return { done, abort: () => request.abort() };
}

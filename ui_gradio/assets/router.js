// Addresses and pages: the server gives the same page for every address, and the module here draws the right one.
import { fill, h } from "./dom.js";
import { closePanel } from "./panel.js";

let routes = [];
let frame = null; // {main, side, changed(name)}
let leave = [];
let here = null; // {path, again}: the page that shows, and how it takes another query of its address

/** `table`: [[pattern, name, page]]; a page is called with {params, query, place, side, back, onleave, onaddress}.
 *  `onaddress(f)`: f(query) is called, and the page stays, when only the query of its address changes. */
export function start(table, into) {
  routes = table;
  frame = into;
  addEventListener("popstate", () => draw(true));
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a[data-link]");
    if (!anchor || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(anchor.getAttribute("href"));
  });
  draw();
}

export function go(address) {
  history.pushState(null, "", address);
  draw();
}

/** Change the address without drawing: it says the same page in other words. */
export function replaceAddress(address, state = null) {
  history.replaceState(state, "", address);
}

/** The same, as a step that one can go back from. */
export function pushAddress(address) {
  history.pushState(null, "", address);
}

/** `back`: one comes back (or forward) to where one was. */
function draw(back = false) {
  if (here?.again && here.path === location.pathname) {
    closePanel();
    here.again(new URLSearchParams(location.search));
    return;
  }
  here = { path: location.pathname, again: null };
  for (const one of leave) one();
  leave = [];
  closePanel();
  const query = new URLSearchParams(location.search);
  for (const [pattern, name, page] of routes) {
    const match = pattern.exec(location.pathname);
    if (!match) continue;
    const place = h("div", { class: `page ${name}` });
    fill(frame.main, place);
    fill(frame.side);
    frame.changed(name);
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([key, value]) => [key, value && decoded(value)]),
    );
    page({
      params,
      query,
      place,
      side: frame.side,
      back,
      onleave: (f) => leave.push(f),
      onaddress: (f) => (here.again = f),
    });
    return;
  }
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a broken escape: the API will say that there is no such thing
  }
}

// Building the page. Text only ever enters it as text nodes, so nothing that a document says can become markup.

/** An element: `h("button", {class: "primary", onclick: f, aria: {label: "Close"}}, "Close", icon("x"))`.
 *  Children that are null, undefined or false are left out; strings become text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "aria")
      for (const [key, word] of Object.entries(value)) element.setAttribute(`aria-${key}`, word);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

// One family: 24 px grid, 1.75 px round strokes.
const PATHS = {
  ask: ["M21 11.5a8.4 8.4 0 0 1-12.1 7.6L3 21l1.9-5.9A8.4 8.4 0 1 1 21 11.5Z"],
  search: ["M11 18.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15Z", "m20.5 20.5-4.2-4.2"],
  knowledge: ["M4 5.5A2.5 2.5 0 0 1 6.5 3H20v15H6.5A2.5 2.5 0 0 0 4 20.5Z", "M4 20.5A2.5 2.5 0 0 0 6.5 21H20v-3"],
  status: ["M3 12h4l3-8 4 16 3-8h4"],
  plus: ["M12 5v14", "M5 12h14"],
  x: ["M6 6l12 12", "M18 6 6 18"],
  send: ["M12 19V5", "m6 11 6-6 6 6"],
  stop: ["M7 7h10v10H7Z"],
  trash: ["M4 7h16", "M9 7V4.5h6V7", "m6 7 1 13h10l1-13"],
  file: ["M14 3H6.5A1.5 1.5 0 0 0 5 4.5v15A1.5 1.5 0 0 0 6.5 21h11a1.5 1.5 0 0 0 1.5-1.5V8Z", "M14 3v5h5"],
  upload: ["M12 15V4", "m7 9 5-5 5 5", "M4 16v3.5A1.5 1.5 0 0 0 5.5 21h13a1.5 1.5 0 0 0 1.5-1.5V16"],
  download: ["M12 4v11", "m7 10 5 5 5-5", "M4 16v3.5A1.5 1.5 0 0 0 5.5 21h13a1.5 1.5 0 0 0 1.5-1.5V16"],
  check: ["m5 12.5 4.5 4.5L19 7"],
  alert: [
    "M12 8.5v4.5",
    "M12 16.5v.01",
    "M10.3 4 2.6 17.5A2 2 0 0 0 4.3 20.5h15.4a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0Z",
  ],
  clock: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M12 7.5V12l3 2"],
  right: ["m9 6 6 6-6 6"],
  left: ["m15 6-6 6 6 6"],
  down: ["m6 9 6 6 6-6"],
  up: ["m6 15 6-6 6 6"],
  open: ["M14 4h6v6", "m20 4-9 9", "M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5"],
  copy: ["M9 9h10.5v11.5H9Z", "M5.5 15H4.5V3.5H15v1"],
  retry: ["M4 12a8 8 0 0 1 13.9-5.4L20 9", "M20 4v5h-5", "M20 12a8 8 0 0 1-13.9 5.4L4 15", "M4 20v-5h5"],
  more: ["M5.5 12h1", "M11.5 12h1", "M17.5 12h1"],
  list: ["M4 6.5h16", "M4 12h16", "M4 17.5h10"],
  space: ["m12 3 9 5-9 5-9-5Z", "m3 12.5 9 5 9-5", "m3 17 9 5 9-5"],
  folder: ["M3.5 6.5A1.5 1.5 0 0 1 5 5h4l2 2.5h8A1.5 1.5 0 0 1 20.5 9v8.5A1.5 1.5 0 0 1 19 19H5a1.5 1.5 0 0 1-1.5-1.5Z"],
  moon: ["M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z"],
  sun: [
    "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Z",
    "M12 2.5v2",
    "M12 19.5v2",
    "M2.5 12h2",
    "M19.5 12h2",
    "m5.3 5.3 1.4 1.4",
    "m17.3 17.3 1.4 1.4",
    "m5.3 18.7 1.4-1.4",
    "m17.3 6.7 1.4-1.4",
  ],
  auto: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M12 3v18", "M12 8h7.5", "M12 13h8.8", "M12 18h6"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M4.5 20.5a7.5 7.5 0 0 1 15 0"],
  teams: [
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z",
    "M2.5 20a6.5 6.5 0 0 1 13 0",
    "M16 4.3a3.5 3.5 0 0 1 0 6.4",
    "M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  ],
  project: [
    "M4 7.5A1.5 1.5 0 0 1 5.5 6h4l2 2.5h7A1.5 1.5 0 0 1 20 10v8.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18.5Z",
  ],
  admin: ["M12 3 5 5.8v5.4c0 4.4 2.9 7.6 7 9.8 4.1-2.2 7-5.4 7-9.8V5.8Z", "m9 12 2.2 2.2L15.2 10"],
  lock: [
    "M6.5 11h11A1.5 1.5 0 0 1 19 12.5v6a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18.5v-6A1.5 1.5 0 0 1 6.5 11Z",
    "M8 11V8a4 4 0 0 1 8 0v3",
  ],
  key: ["M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "m11 12.2 8.5-8.2", "m15.5 8 3 3"],
  mail: [
    "M4.5 6h15A1.5 1.5 0 0 1 21 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16.5v-9A1.5 1.5 0 0 1 4.5 6Z",
    "m3.5 7.5 8.5 6 8.5-6",
  ],
  device: [
    "M5.5 4.5h13A1.5 1.5 0 0 1 20 6v8.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 14.5V6a1.5 1.5 0 0 1 1.5-1.5Z",
    "M9 20h6",
    "M12 16v4",
  ],
  link: [
    "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2",
    "M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2",
  ],
  archive: ["M4 5h16v4H4Z", "M5.5 9v9.5A1.5 1.5 0 0 0 7 20h10a1.5 1.5 0 0 0 1.5-1.5V9", "M10 13h4"],
  edit: ["M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19Z", "m14.5 6.5 3 3"],
  share: [
    "M17.5 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
    "M6.5 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
    "M17.5 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
    "m8.7 10.8 6.6-4",
    "m8.7 13.2 6.6 4",
  ],
  filter: ["M4 6h16", "M7 12h10", "M10 18h4"],
  info: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M12 11v5.5", "M12 7.5v.01"],
  bookmark: ["M6.5 4h11A1.5 1.5 0 0 1 19 5.5V21l-7-4.5L5 21V5.5A1.5 1.5 0 0 1 6.5 4Z"],
  bell: ["M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15Z", "M10 20.5a2.2 2.2 0 0 0 4 0"],
  tag: ["M4 4.5h7.5l8 8a1.5 1.5 0 0 1 0 2.1l-4.9 4.9a1.5 1.5 0 0 1-2.1 0l-8.5-8.5Z", "M8 8.5v.01"],
  chart: ["M4 20h16", "M7 16.5v-5", "M12 16.5V5", "M17 16.5V9"],
  flag: ["M5.5 21V4", "M5.5 4.5h12l-2.5 4 2.5 4h-12"],
  reply: ["M5 5v5a4 4 0 0 0 4 4h10.5", "m15 9.5 4.5 4.5-4.5 4.5"],
  up_thumb: [
    "M7.5 10.5v9.5H5A1.5 1.5 0 0 1 3.5 18.5V12A1.5 1.5 0 0 1 5 10.5Z",
    "m7.5 10.5 3.7-7a2 2 0 0 1 2.6 2.4L12.9 9h5.3a2 2 0 0 1 2 2.4l-1.2 6.9a2 2 0 0 1-2 1.7H7.5",
  ],
  down_thumb: [
    "M16.5 13.5V4H19a1.5 1.5 0 0 1 1.5 1.5V12a1.5 1.5 0 0 1-1.5 1.5Z",
    "m16.5 13.5-3.7 7a2 2 0 0 1-2.6-2.4l.9-3.1H5.8a2 2 0 0 1-2-2.4L5 5.7A2 2 0 0 1 7 4h9.5",
  ],
  sparkle: ["M11 4l1.9 5.1L18 11l-5.1 1.9L11 18l-1.9-5.1L4 11l5.1-1.9Z", "M18.5 16v5", "M16 18.5h5"],
  sliders: ["M4 7.5h9", "M17 7.5h3", "M15 5.5v4", "M4 16.5h3", "M11 16.5h9", "M9 14.5v4"],
  quote: ["M4 6v12", "M9 8h11", "M9 12h11", "M9 16h7"],
};

export function icon(name, size = 18) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.75,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    class: "icon",
  }))
    svg.setAttribute(key, value);
  for (const d of PATHS[name]) {
    const path = document.createElementNS(ns, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Cuts text at offsets that count characters as the server does (code points, not UTF-16 units). */
export class Text {
  constructor(text) {
    this.plain = !/[\ud800-\udfff]/.test(text);
    this.units = this.plain ? text : Array.from(text);
  }
  get length() {
    return this.units.length;
  }
  slice(start, end) {
    return this.plain ? this.units.slice(start, end) : this.units.slice(start, end).join("");
  }
}

/** Text with some of its spans marked: nodes for `h`. `spans` are [start, end) in code points, in any order. */
export function marked(text, spans, tag = "mark") {
  const whole = new Text(text);
  const nodes = [];
  let at = 0;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const start = Math.max(from, at);
    const end = Math.min(to, whole.length);
    if (end <= start) continue;
    nodes.push(whole.slice(at, start), h(tag, {}, whole.slice(start, end)));
    at = end;
  }
  nodes.push(whole.slice(at));
  return nodes.filter((node) => node !== "");
}

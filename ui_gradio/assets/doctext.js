// The text of a document, block by block, with a passage marked.
import { Text, h, marked } from "./dom.js";

/** A quote without the bullet of the list that it was cut from. */
export const withoutMark = (quote) => quote.replace(BULLET, "");

const BULLET = /^\s*[-*+•·◦▪‣○●■□–—]\s+/;

/** Nodes for a stretch of a document: `stretch` is the API's {text, start, end, blocks}; `passage` is [start, end) in
 *  the whole document, or null; `words` are spans within it that matched a search, marked more strongly. Headings
 *  carry `data-start`, so that an outline can find them. */
export function blocksOf(stretch, passage, words = []) {
  const text = new Text(stretch.text);
  const cut = (from, to) => markedSlice(text, stretch.start, from, to, passage, words);
  const blocks = stretch.blocks?.length ? stretch.blocks : [{ kind: "plain", start: stretch.start, end: stretch.end }];
  const nodes = [];
  let list = null;
  for (const block of blocks) {
    const from = Math.max(block.start, stretch.start);
    const to = Math.min(block.end, stretch.start + text.length);
    if (to <= from) continue;
    const content = cut(from, to);
    if (block.kind !== "list_item") list = null;
    if (block.kind === "heading") {
      const level = Math.min(Math.max(block.level || 1, 1) + 1, 6);
      nodes.push(h(`h${level}`, { data: { start: block.start } }, content));
    } else if (block.kind === "list_item") {
      const numbered = /^\s*\(?\d{1,3}[.)]\s/.test(text.slice(from - stretch.start, to - stretch.start));
      if (!list) nodes.push((list = h("ul", { class: numbered ? "numbered" : "" })));
      // The list draws its own bullets; numbers stay as they are written.
      list.append(h("li", {}, numbered ? content : withoutBullet(content)));
    } else if (block.kind === "code") {
      nodes.push(h("pre", {}, h("code", {}, content)));
    } else if (block.kind === "table") {
      nodes.push(h("div", { class: "table-text", tabindex: "0" }, content));
    } else {
      nodes.push(h("p", {}, content));
    }
  }
  return nodes;
}

function markedSlice(text, base, from, to, passage, words) {
  const piece = (a, b) => text.slice(a - base, b - base);
  const start = passage ? Math.max(passage[0], from) : to;
  const end = passage ? Math.min(passage[1], to) : to;
  if (end <= start) return [piece(from, to)];
  const inside = words.map(([a, b]) => [Math.max(a, start) - start, Math.min(b, end) - start]);
  const mark = h("mark", words.length ? { class: "around" } : {}, marked(piece(start, end), inside));
  return [piece(from, start), mark, piece(end, to)].filter((part) => part !== "");
}

function withoutBullet([first, ...rest]) {
  if (first instanceof Node) {
    first.firstChild.textContent = first.firstChild.textContent.replace(BULLET, "");
    return [first, ...rest];
  }
  const cut = first.replace(BULLET, "");
  // The bullet may stand in front of a mark, or the mark begin with it.
  return cut || !rest.length ? [cut, ...rest] : withoutBullet(rest);
}

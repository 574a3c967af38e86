// An answer's text: paragraphs, lists, **bold**, `code` and citation marks. Nothing else of Markdown is drawn: links
// and images lose their address, so that an answer cannot send the reader, or the browser, anywhere.
import { h } from "./dom.js";
import { t } from "./words.js";

// Around a sentence that nothing supports: characters of the private use area, which no answer contains.
const [FROM, TO] = ["\uE000", "\uE001"];
const INLINE = /\uE000([^\uE001]*)\uE001|!?\[([^\]]*)\]\([^)]*\)|\*\*([^*]+)\*\*|`([^`]+)`|\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g;

/** Nodes for `text`; `chip(n)` makes the citation chip of marker n; the sentences in `unsupported` are marked. */
export function prose(text, chip, unsupported = []) {
  for (const sentence of unsupported) if (sentence) text = text.replace(sentence, () => FROM + sentence + TO);
  const nodes = [];
  for (const part of text.split(/\n\s*\n/)) {
    let list = null;
    let lines = [];
    const flush = () => {
      if (lines.length)
        nodes.push(
          h(
            "p",
            {},
            lines.flatMap((line, at) => [at > 0 && h("br"), ...inline(line, chip)]),
          ),
        );
      lines = [];
    };
    for (const line of part.split("\n")) {
      const item = /^\s*(?:([-*•])|(\d{1,3})[.)])\s+(.*)$/.exec(line);
      const heading = /^#{1,6}\s+(.*)$/.exec(line);
      if (item) {
        flush();
        const tag = item[1] ? "UL" : "OL";
        if (list?.tagName !== tag) nodes.push((list = h(tag.toLowerCase(), item[2] ? { start: item[2] } : {})));
        list.append(h("li", {}, inline(item[3], chip)));
      } else if (heading) {
        flush();
        list = null;
        nodes.push(h("h3", {}, inline(heading[1], chip)));
      } else if (line.trim()) {
        list = null;
        lines.push(line);
      }
    }
    flush();
  }
  return nodes;
}

function inline(text, chip) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(at, match.index));
    const [whole, doubtful, linked, bold, code, markers] = match;
    if (doubtful !== undefined)
      nodes.push(h("span", { class: "unsupported", title: t("ask.unsupported") }, inline(doubtful, chip)));
    else if (markers !== undefined)
      nodes.push(
        tied(
          nodes,
          markers.split(",").map((marker) => chip(Number(marker))),
        ),
      );
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold, chip)));
    else if (code !== undefined) nodes.push(h("code", {}, code));
    else nodes.push(linked);
    at = match.index + whole.length;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}

/** The chips with the word before them, so that a line never begins with a chip. */
function tied(nodes, chips) {
  const before = typeof nodes.at(-1) === "string" ? nodes.pop() : "";
  const [, rest, word] = /^([^]*?)(\S*)\s*$/.exec(before);
  if (rest) nodes.push(rest);
  return h("span", { class: "together" }, word, chips);
}

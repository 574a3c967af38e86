// The language of the search box (`in:Handbook`, `-tag:"old stuff"`, `-draft`), as far as the page edits it. The server
// reads the whole language; here a condition is only found again in the text, and written.

const PIECE = /(-?)(?:(in|by|category|tag|kind|before|after)[:：])?("[^"]*"|“[^”]*”|«[^»]*»|\S+)/gi;
const bare = (value) =>
  value
    .replace(/^["“«]|["”»]$/g, "")
    .replace(/[,;]+$/, "")
    .replace(/\s+/g, " ")
    .trim();

/** `in:"People team"`, with quotation marks where the value needs them. */
export const term = (field, value) => `${field}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value}`;

/** The query without a condition: {field, value, negated}; without a field, a word or phrase. */
export const withoutTerm = (query, { field = "", value, negated = false }) =>
  [...query.matchAll(PIECE)]
    .filter(
      ([, minus, name = "", written]) =>
        name.toLowerCase() !== field || Boolean(minus) !== negated || bare(written) !== bare(String(value)),
    )
    .map(([piece]) => piece)
    .join(" ");

/** The query without its quotation marks. */
export const withoutQuotes = (query) =>
  query
    .replace(/["“”«»]/g, " ")
    .replace(/\s+/g, " ")
    .trim();

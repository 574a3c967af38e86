// The fields of the search box (`in:Handbook`, `-tag:"old stuff"`), as far as the page edits them. The server reads the
// whole language; here a condition is only found again in the text, and written.

const TERM = /(^|\s)(-?)(in|by|tag|kind|before|after)[:：]("[^"]*"|“[^”]*”|«[^»]*»|\S+)/gi;
const bare = (value) =>
  value
    .replace(/^["“«]|["”»]$/g, "")
    .replace(/\s+/g, " ")
    .trim();

/** `in:"People team"`, with quotation marks where the value needs them. */
export const term = (field, value) => `${field}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value}`;

/** The query without a condition: {field, value, negated}. */
export function withoutTerm(query, { field, value, negated }) {
  const rest = query.replace(TERM, (whole, before, minus, name, written) =>
    name.toLowerCase() === field && Boolean(minus) === Boolean(negated) && bare(written) === bare(String(value))
      ? before
      : whole,
  );
  return rest.replace(/\s+/g, " ").trim();
}

/** The query without its quotation marks. */
export const withoutQuotes = (query) =>
  query
    .replace(/["“”«»]/g, " ")
    .replace(/\s+/g, " ")
    .trim();

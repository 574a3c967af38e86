// Words, dates and numbers in the reader's language.
import catalogue from "./catalogue.js";

const LANGUAGES = ["en", "ko"];

export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(`nexus.${key}`);
    else localStorage.setItem(`nexus.${key}`, value);
  } catch {
    // Storage is turned off: the choice holds for this page only.
  }
}

export function remembered(key) {
  try {
    return localStorage.getItem(`nexus.${key}`);
  } catch {
    return null;
  }
}

// The server knows best: what the person has set in their account, in this browser, or in the browser itself.
const given = document.querySelector('meta[name="nexus-language"]')?.content;
export const language = LANGUAGES.includes(given) ? given : "en";
document.documentElement.lang = language;

/** Speak another language from now on, on the pages before sign-in too. */
export function chooseLanguage(tongue) {
  document.cookie = `nexus_language=${tongue}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}

/** The words of `key`, `{name}` filled in from `values`. */
export function t(key, values = {}) {
  const words = catalogue[key]?.[LANGUAGES.indexOf(language)];
  if (words === undefined) throw new Error(`No words for ${key}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Like `t`, with `.one` or `.many` by the number `n`. */
export const tn = (key, n, values = {}) => t(`${key}.${n === 1 ? "one" : "many"}`, { n: number(n), ...values });

export const has = (key) => key in catalogue;
export const number = (n) => new Intl.NumberFormat(language).format(n);
export const decimal = (n) => new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(n);
/** 0.82 for 0.8234: a probability, to two places. */
export const figure = (n) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(n);
/** 85% for 0.853; a dash where there is nothing to take a share of. */
export const percent = (share) =>
  share == null ? "–" : new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);

const DAY = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** "3 days ago" up to a month, the date after that. */
export function when(iso) {
  if (!iso) return "";
  const minutes = (new Date(iso) - Date.now()) / 60_000;
  if (minutes > -1) return t("now");
  if (minutes > -60) return AGO.format(Math.round(minutes), "minute");
  if (minutes > -60 * 24) return AGO.format(Math.round(minutes / 60), "hour");
  if (minutes > -60 * 24 * 30) return AGO.format(Math.round(minutes / 60 / 24), "day");
  return DAY.format(new Date(iso));
}

const MONTH = new Intl.DateTimeFormat(language, { year: "numeric", month: "long", timeZone: "UTC" });

/** "November 2026" for "2026-11". */
export const month = (value) => MONTH.format(new Date(`${value}-01T00:00:00Z`));

const WHOLE_DAY = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const SHORT_DAY = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });

/** "Nov 24, 2026" and "Nov 24" for "2026-11-24": a day of the calendar, the same in every time zone. */
export const day = (value) => WHOLE_DAY.format(new Date(`${value}T00:00:00Z`));
export const shortDay = (value) => SHORT_DAY.format(new Date(`${value}T00:00:00Z`));

export const exactly = (iso) => (iso ? EXACT.format(new Date(iso)) : "");

/** 25 ms, 0.3 s, 12 s, 4 min, 2 h. */
export function duration(seconds) {
  const [value, unit] =
    seconds > 0 && seconds < 0.1
      ? [seconds * 1000, "millisecond"]
      : seconds < 60
        ? [seconds, "second"]
        : seconds < 3600
          ? [seconds / 60, "minute"]
          : [seconds / 3600, "hour"];
  const digits = value < 10 && unit === "second" ? 1 : 0;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: "short",
    maximumFractionDigits: digits,
  }).format(value);
}

export function bytes(n) {
  const [value, unit] = n < 1e6 ? [Math.max(n / 1e3, 0.1), "kilobyte"] : [n / 1e6, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(
    value,
  );
}

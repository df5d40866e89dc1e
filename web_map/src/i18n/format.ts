/** Numbers and moments as people read them, and the language to begin with; apart from the words, which are many. */

export type Lang = "zh-CN" | "en";

export type Values = Record<string, string | number>;

const formats = new Map<number, Intl.NumberFormat>();

/** Digits grouped by thousands, the same in both languages. */
export function formatNumber(value: number, decimals = 0): string {
  let format = formats.get(decimals);
  if (!format) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, (format = new Intl.NumberFormat("en-US", digits)));
  }
  return format.format(value);
}

/** A signed share as percent, with a true minus sign. */
export function formatPercent(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0) return "0";
  return percent > 0 ? `+${percent}` : `−${-percent}`;
}

/** Metres, or kilometres from 10,000 on. */
export function formatMetres(metres: number): string {
  return metres < 10 ? metres.toFixed(1) : formatNumber(metres);
}

/** The language to begin with: what was chosen before, else the browser's. */
export function firstLang(remembered: string | null, wanted: readonly string[]): Lang {
  if (remembered === "zh-CN" || remembered === "en") return remembered;
  for (const lang of wanted) {
    if (lang.toLowerCase().startsWith("zh")) return "zh-CN";
    if (lang.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

const moments = new Map<string, Intl.DateTimeFormat>();

// Making a format takes some milliseconds, using it next to none.
function momentFormat(lang: Lang, kind: "time" | "day"): Intl.DateTimeFormat {
  const key = `${lang} ${kind}`;
  let format = moments.get(key);
  if (!format) {
    const time = { hour: "2-digit", minute: "2-digit", hour12: false } as const;
    const options = kind === "time" ? time : ({ month: "short", day: "numeric", ...time } as const);
    moments.set(key, (format = new Intl.DateTimeFormat(lang, options)));
  }
  return format;
}

/** A moment as people say it: the time today, else day and time. */
export function formatTime(at: string | number, lang: Lang, now = new Date()): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return "";
  const today = moment.toDateString() === now.toDateString();
  return momentFormat(lang, today ? "time" : "day").format(moment);
}

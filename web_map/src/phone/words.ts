/** Words of the worker's page in the language of the phone, and durations as people say them. */

import { formatNumber, type Lang, type Values } from "../i18n/format";
import { phoneEn, type PhoneKey } from "../i18n/phone-en";
import { phoneZh } from "../i18n/phone-zh-CN";

export type { PhoneKey };
export type Say = (key: PhoneKey, values?: Values) => string;

const dictionaries: Record<Lang, Record<PhoneKey, string>> = { en: phoneEn, "zh-CN": phoneZh };

export function say(lang: Lang, key: PhoneKey, values: Values = {}): string {
  return dictionaries[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

/** Minutes as days and hours, hours and minutes, or minutes. */
export function duration(minutes: number, t: Say): string {
  const whole = Math.max(0, Math.round(minutes));
  const [hours, rest] = [Math.floor(whole / 60), whole % 60];
  if (hours >= 48) return t("span.days", { days: Math.floor(hours / 24), hours: hours % 24 });
  if (hours > 0) return t("span.hours", { hours, minutes: rest });
  return t("span.minutes", { minutes: rest });
}

/** A text cut into words and the telephone numbers in it. */
export function withNumbers(text: string): { text: string; number: string | null }[] {
  const parts: { text: string; number: string | null }[] = [];
  let from = 0;
  for (const match of text.matchAll(/\+?\d[\d -]{5,18}\d/g)) {
    // Part of a coordinate.
    if (text[match.index - 1] === "." || /^\.\d/.test(text.slice(match.index + match[0].length))) continue;
    const number = match[0].replace(/[ -]/g, "");
    if (!/^(\+\d{8,15}|1[3-9]\d{9}|0\d{9,11}|[2-8]\d{6,7}|400\d{7})$/.test(number)) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index), number: null });
    parts.push({ text: match[0], number });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), number: null });
  return parts;
}

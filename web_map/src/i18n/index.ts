/** Words and numbers in the user's language. */

import { en, type Key } from "./en";
import { formatNumber, type Lang, type Values } from "./format";
import { zhCN } from "./zh-CN";

export type { Key };
export * from "./format";
export const dictionaries: Record<Lang, Record<Key, string>> = { en, "zh-CN": zhCN };

/** The words of a key with {names} filled in; numbers get thousands separators. */
export function translate(lang: Lang, key: Key, values: Values = {}): string {
  return dictionaries[lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

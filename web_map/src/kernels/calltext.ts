/** What a caller said, taken apart: where it is, and what is wrong there. */

export interface Said {
  place: string;
  words: string;
}

const NUMBER = "(?:[0-9０-９]+|[零〇一二三四五六七八九十百壹贰叁肆伍陆柒捌玖拾]+|[A-Za-z])";
const NUMBERED = new RegExp(`${NUMBER}\\s*(?:号楼|号院|号|栋|幢|座|弄|巷|单元|室|楼|层|#|门洞)`, "g");
const NAMED = /(?:小区|路口|广场|公园|学校|中学|小学|幼儿园|医院|超市|菜场|市场|码头|大厦|大楼|大桥|车站|门口|附近|旁边|对面)/g;
const STREET =
  /^(.*?\d+[a-z]?,?\s+(?:[\w'.-]+\s+)*?(?:street|st|road|rd|avenue|ave|lane|ln|boulevard|blvd|drive|dr|way|square|court|place|alley)\b\.?(?:\s+(?:apt|unit|flat|room)\.?\s*\w+)?)[\s,.:;–-]+(.+)$/is;
const MARKS = /^[\s,，。.;；:：、–-]+|[\s,，。;；:：、]+$/g;

/**
 * The ways to part a text into a place and words, the likeliest first; the whole text as a place comes last. What
 * follows the last house number, or the name of a place, is not where it is but what is wrong.
 */
export function waysToPart(text: string): Said[] {
  const whole = text.trim().replace(/\s+/g, " ");
  const ways: Said[] = [];
  const add = (place: string, words: string): void => {
    const way = { place: place.replace(MARKS, ""), words: words.replace(MARKS, "") };
    if (way.place !== "" && !ways.some((each) => each.place === way.place)) ways.push(way);
  };
  const cut = (end: number): void => {
    const rest = whole.slice(end);
    if (rest.replace(MARKS, "") !== "" && !/[0-9０-９]/.test(rest)) add(whole.slice(0, end), rest);
  };
  const street = STREET.exec(whole);
  if (street) add(street[1], street[2]);
  for (const shape of [NUMBERED, NAMED]) {
    const last = [...whole.matchAll(shape)].at(-1);
    if (last) cut(last.index + last[0].length);
  }
  const mark = /[,，。;；:：]/.exec(whole);
  if (mark) cut(mark.index);
  add(whole, "");
  return ways;
}

/** The longest of some categories that a text names; null: none. */
export function categoryIn(text: string, categories: readonly string[]): string | null {
  const said = text.toLowerCase();
  let found: string | null = null;
  for (const category of categories)
    if (category.length > (found?.length ?? 0) && said.includes(category.toLowerCase())) found = category;
  return found;
}

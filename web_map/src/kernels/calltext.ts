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
/** A street without a number: 浦东南路有人晕倒. */
const ALONG = /^[^\s\d,，。;；]{1,12}?(?:大道|大街|路|街|巷|胡同|桥)/;
/** What may stand behind a space and still say where it is. */
const STILL_WHERE = /(?:[路街道巷弄号栋幢座楼层室村区县市镇里苑园城厦院桥站口]|社区|大学)$/;
const WHOLE_AREA = /(?:省|市|区|县|镇|乡|街道|社区)$/;
/** A house number in the middle of what was said: 小区对面福州路89号旁边. */
const WITHIN = /([\u4e00-\u9fff]+)(大道|大街|路|街|巷)([0-9０-９]+(?:弄[0-9０-９]+)?号?)/;
const GRID = /^(?:网格|grid)\s*(?:no\.?\s*)?([\w-]+)$/i;
/** Coordinates or a link of a map, and words behind them. */
const COORDINATES =
  /^((?:[\d.,，;；:：°º′'’″"”()\s+-]|[NSEW](?![a-z])|[度分秒]|[东西]经|[南北]纬|[经纬]度)*[\d°º′'’″"”)NSEW秒])(?:[\s,，。;；]+|(?=[\u4e00-\u9fff]))([^\d\s].*)$/is;
const LINK = /^((?:https?:\/\/|geo:)\S+)\s+(.+)$/is;
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
  const grid = GRID.exec(whole);
  if (grid) add(grid[1], "");
  const street = STREET.exec(whole);
  if (street) add(street[1], street[2]);
  for (const shape of [NUMBERED, NAMED]) {
    const last = [...whole.matchAll(shape)].at(-1);
    if (last) cut(last.index + last[0].length);
  }
  const mark = /[,，。;；:：]/.exec(whole);
  if (mark) cut(mark.index);
  const space = whole.lastIndexOf(" ");
  const behind = whole.slice(space + 1);
  if (space > 0 && /^[\u4e00-\u9fff]+$/.test(behind) && !STILL_WHERE.test(behind) && !WHOLE_AREA.test(whole.slice(0, space))) cut(space);
  const along = ALONG.exec(whole);
  if (along && !/^[口上边\d]/.test(whole.slice(along[0].length))) cut(along[0].length);
  add(whole, "");
  const within = WITHIN.exec(whole);
  if (within) {
    const [found, before, kind, number] = within;
    const end = within.index + found.length;
    // Where the name of the street begins nothing tells: the longest is tried first.
    for (let letters = Math.min(4, before.length); letters >= 2; letters--) {
      const name = before.slice(-letters);
      add(name + kind + number, `${whole.slice(0, within.index)}${before.slice(0, -letters)}…${whole.slice(end)}`.replace(/^…|…$/, ""));
    }
  }
  return ways;
}

/** Coordinates or a link of a map at the beginning of a text, and the words behind them; null for anything else. */
export function placeThenWords(text: string): Said | null {
  const whole = text.trim();
  const found = LINK.exec(whole) ?? COORDINATES.exec(whole);
  if (!found || (!LINK.test(whole) && (found[1].match(/\d+(?:\.\d+)?/g) ?? []).length < 2)) return null;
  return { place: found[1].replace(MARKS, ""), words: found[2].replace(MARKS, "") };
}

/** The longest of some categories that a text names; null: none. */
export function categoryIn(text: string, categories: readonly string[]): string | null {
  const said = text.toLowerCase();
  let found: string | null = null;
  for (const category of categories)
    if (category.length > (found?.length ?? 0) && said.includes(category.toLowerCase())) found = category;
  return found;
}

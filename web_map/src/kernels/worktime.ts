/** Working time between two moments, by weekly hours with holidays and days worked instead; as the server counts it. */

export interface WorkHours {
  hours?: Record<string, string[]>;
  holidays?: string[];
  workdays?: string[];
  zone?: string;
}

type Span = readonly [from: number, to: number];

export interface Calendar {
  /** Of each day from Monday on, minutes from midnight. */
  readonly spans: readonly (readonly Span[])[];
  readonly holidays: ReadonlySet<string>;
  readonly workdays: ReadonlySet<string>;
  /** Minutes that local time is ahead of UTC at a moment (milliseconds). */
  offset(moment: number): number;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MIN = 1440;
const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Hours whose offset is remembered. */
const MOST_KNOWN = 5000;
const DEFAULT_HOURS: Record<string, string[]> = Object.fromEntries(DAYS.slice(0, 5).map((day) => [day, ["09:00-17:00"]]));
const DEFAULT_ZONE = "Asia/Shanghai";
/** Days that are counted at most; longer than any deadline. */
const MOST_DAYS = 1500;

export function calendarOf(data: WorkHours): Calendar {
  const hours = data.hours && Object.keys(data.hours).length > 0 ? data.hours : DEFAULT_HOURS;
  const known = new Map<number, number>();
  const format = formatOf(data.zone ?? DEFAULT_ZONE);
  return {
    spans: DAYS.map((day) => (hours[day] ?? []).map(spanOf).filter((span) => span !== null)),
    holidays: new Set(data.holidays),
    workdays: new Set(data.workdays),
    offset(moment) {
      // Clocks are changed at whole hours.
      const hour = Math.floor(moment / HOUR);
      let minutes = known.get(hour);
      if (minutes === undefined) {
        if (known.size > MOST_KNOWN) known.clear();
        known.set(hour, (minutes = offsetAt(format, hour * HOUR)));
      }
      return minutes;
    },
  };
}

/** Working minutes from one moment (milliseconds) to a later one; 0 where it is not later. */
export function minutesBetween(calendar: Calendar, from: number, to: number): number {
  if (!(to > from)) return 0;
  const [start, end] = [from / MINUTE, to / MINUTE];
  // Of a time by the clock on the wall, in minutes; a day on which clocks are changed is an hour longer or shorter.
  const moment = (wall: number): number => wall - calendar.offset((wall - calendar.offset(wall * MINUTE)) * MINUTE);
  const [first, last] = [from, to].map((each) => Math.floor((each / MINUTE + calendar.offset(each)) / DAY_MIN));
  let sum = 0;
  for (let day = first; day <= Math.min(last, first + MOST_DAYS); day++)
    for (const [a, b] of spansOn(calendar, day))
      sum += Math.max(0, Math.min(end, moment(day * DAY_MIN + b)) - Math.max(start, moment(day * DAY_MIN + a)));
  return sum;
}

/** The same where every minute counts. */
export const minutesAroundTheClock = (from: number, to: number): number => Math.max(0, (to - from) / MINUTE);

function spansOn({ spans, holidays, workdays }: Calendar, day: number): readonly Span[] {
  if (holidays.size > 0 || workdays.size > 0) {
    const date = new Date(day * DAY_MIN * MINUTE).toISOString().slice(0, 10);
    if (workdays.has(date)) return spans[0].length > 0 ? spans[0] : (spans.find((each) => each.length > 0) ?? []);
    if (holidays.has(date)) return [];
  }
  // 1 January 1970 was a Thursday.
  return spans[(((day + 3) % 7) + 7) % 7];
}

function spanOf(text: string): Span | null {
  const match = /^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$/.exec(text);
  return match && [60 * Number(match[1]) + Number(match[2]), 60 * Number(match[3]) + Number(match[4])];
}

/** The day at a moment in a zone, as 2026-10-01. */
export function dayIn(zone: string | undefined, at: number): string {
  const format = formatOf(zone ?? DEFAULT_ZONE);
  return new Date(at + offsetAt(format, at) * MINUTE).toISOString().slice(0, 10);
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en-US", { ...parts, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat("en-US", { ...parts, timeZone: DEFAULT_ZONE });
  }
}

function offsetAt(format: Intl.DateTimeFormat, moment: number): number {
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return (Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute) - moment) / MINUTE;
}

/** When things happened, for tests and for whoever wonders what is slow. Milliseconds since the page began. */

export interface Timings {
  /** Take absolute times of the worker. */
  take(times: Record<string, number>): void;
  mark(name: string): void;
  set(name: string, value: number): void;
  /** Remember how long something took that happens again and again, in milliseconds. */
  sample(name: string, took: number): void;
  /** The last samples of each name, oldest first. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly view: Readonly<Record<string, number>>;
}

const MOST_SAMPLES = 4000;

export function createTimings(clock: Pick<Performance, "timeOrigin" | "now" | "mark">): Timings {
  const times: Record<string, number> = {};
  const samples: Record<string, number[]> = {};
  const view = new Proxy(times, {
    set: () => false,
    deleteProperty: () => false,
    defineProperty: () => false,
  });
  const set = (name: string, value: number): void => {
    times[name] = Math.round(value * 10) / 10;
  };
  return {
    take(all) {
      for (const [name, time] of Object.entries(all)) set(name, time - clock.timeOrigin);
    },
    mark(name) {
      clock.mark(`wangge-${name}`);
      set(name, clock.now());
    },
    set,
    sample(name, took) {
      const list = (samples[name] ??= []);
      if (list.length === MOST_SAMPLES) list.splice(0, MOST_SAMPLES / 2);
      list.push(took);
      times[`${name}_ms`] = took;
    },
    samples,
    view,
  };
}

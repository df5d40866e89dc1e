/** When things happened, for tests and for whoever wonders what is slow. Milliseconds since the page began. */

export interface Timings {
  /** Take absolute times of the worker. */
  take(times: Record<string, number>): void;
  mark(name: string): void;
  set(name: string, value: number): void;
  readonly view: Readonly<Record<string, number>>;
}

export function createTimings(clock: Pick<Performance, "timeOrigin" | "now" | "mark">): Timings {
  const times: Record<string, number> = {};
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
    view,
  };
}

/** What the server tells by itself: other people's edits, who is here, publishing (text/event-stream). */

import type { ServerEdit } from "./edits";

export interface Person {
  client: string;
  name: string;
}

export interface EventHandlers {
  edit(edit: ServerEdit): void;
  presence(people: Person[]): void;
  published(): void;
  /** Whether the line to the server stands. */
  line(open: boolean): void;
}

/** What is used of EventSource, so that tests can stand in for it. */
export interface Line {
  readonly readyState: number;
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  addEventListener(kind: string, listener: (event: { data: string }) => void): void;
  close(): void;
}

const CLOSED = 2;
const AGAIN_MS = 3000;

/**
 * Listen to a plan until the returned function is called. EventSource comes back by itself after a broken line; where
 * the server refused it (restarting, for one), it is opened anew.
 */
export function listen(
  root: string,
  plan: string,
  me: Person,
  handlers: EventHandlers,
  open: (url: string) => Line = (url) => new EventSource(url) as unknown as Line,
): () => void {
  const query = new URLSearchParams({ plan, client: me.client, name: me.name });
  const url = new URL(`events?${query}`, root).href;
  let line: Line;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const start = (): void => {
    line = open(url);
    line.onopen = () => handlers.line(true);
    line.onerror = () => {
      if (stopped) return;
      handlers.line(false);
      if (line.readyState !== CLOSED) return;
      line.close();
      timer = setTimeout(start, AGAIN_MS);
    };
    const on = <T>(kind: string, take: (data: T) => void): void =>
      line.addEventListener(kind, ({ data }) => {
        const value = readJson<T>(data);
        if (!stopped && value !== undefined) take(value);
      });
    on<ServerEdit>("edit", handlers.edit);
    on<Person[]>("presence", handlers.presence);
    on<unknown>("published", () => handlers.published());
  };
  start();
  return () => {
    stopped = true;
    clearTimeout(timer);
    line.close();
  };
}

function readJson<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

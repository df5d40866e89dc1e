/** What the page says of its connection: one true sentence for each state. Pure functions. */

import type { Key, Values } from "../i18n";
import type { Standing } from "./sync";

export interface Connection {
  standing: Standing;
  /** Edits that the server does not have. */
  unsent: number;
  savedAt: number | null;
  /** Whether this browser keeps what is not sent beyond the life of the page. */
  kept: boolean;
}

export interface Sentence {
  key: Key;
  values: Values;
  /** Whether somebody has to know or to do something. */
  alert: boolean;
}

/** `time` writes a moment in the language of the page. */
export function sentenceOf({ standing, unsent, savedAt, kept }: Connection, time: (at: number) => string): Sentence {
  const alert = (key: Key, values: Values = {}): Sentence => ({ key, values, alert: true });
  const quiet = (key: Key, values: Values = {}): Sentence => ({ key, values, alert: false });
  const counted = (one: Key, many: Key): Sentence => alert(unsent === 1 ? one : many, { count: unsent });
  switch (standing) {
    case "saved":
      return savedAt === null ? quiet("sync.savedAll") : quiet("sync.saved", { time: time(savedAt) });
    case "offline":
      if (unsent === 0) return alert(kept ? "sync.away" : "sync.awayUnkept");
      return kept ? counted("sync.offlineOne", "sync.offline") : counted("sync.unkeptOne", "sync.unkept");
    case "busy":
      if (unsent === 0) return alert("sync.busy");
      return kept ? counted("sync.busyOne", "sync.busyMany") : counted("sync.unkeptOne", "sync.unkept");
    case "conflict":
      return alert("sync.conflict");
    case "refused":
      return alert("sync.refused");
    case "gone":
      return unsent === 0 ? alert("sync.gone") : counted("sync.goneOne", "sync.goneMany");
    case "renewing":
      return quiet("sync.renewing");
    case "saving":
    case "closed":
      return quiet("sync.saving");
  }
}

/** Words that say no more than that the server is away: they go when it is back. */
export const OF_THE_LINE: ReadonlySet<Key> = new Set<Key>(["error.noConnection", "base.noAnswer", "base.takeBackAway", "cutcell.away"]);

export const isAway = (standing: Standing | undefined): boolean => standing === "offline" || standing === "busy";

/** Files of a plan, made by the server while somebody waits: how far they are, a way to end them, and what comes. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Key } from "../i18n";
import type { Ask } from "../api/request";
import { tell } from "./deskplans";
import type { Desk } from "./desk";
import { newKey } from "./keys";

export type ExportFormat = "geojson" | "gpkg" | "shp" | "csv" | "xlsx" | "fgb" | "parquet" | "pdf" | "html";
export type ExportLayer = "grids" | "buildings" | "cells";

export interface ExportWish {
  format: ExportFormat;
  /** Of formats that hold one layer; a GeoPackage without it holds all. */
  layer?: ExportLayer;
  paper?: "a4" | "a3";
  lang?: string;
  /** Codes of the grids whose sheets are wanted; none: all. */
  grids?: string[];
}

export interface RunningExport {
  words: Key;
  /** Sheets that are drawn and how many there are; 0 of 0 where that is not known. */
  done: number;
  total: number;
  /** Seconds since it began, and those that are left by the speed so far; null while it is too early to say. */
  seconds: number;
  left: number | null;
}

export interface Exports {
  readonly running: ReadonlySignal<RunningExport | null>;
  /** Where a file can be had, for a link that others may use too. */
  address(wish: ExportWish): string;
  fetch(wish: ExportWish, words: Key): Promise<void>;
  cancel(): void;
}

const ASK_MS = 400;
/** Sheets after which the time left is told. */
const ENOUGH = 2;

/** Path and query of an export of a plan. */
export function exportAddress(plan: string, wish: ExportWish): string {
  const query = new URLSearchParams({ format: wish.format });
  if (wish.layer) query.set("layer", wish.layer);
  if (wish.paper) query.set("paper", wish.paper);
  if (wish.lang) query.set("lang", wish.lang);
  for (const code of wish.grids ?? []) query.append("grid", code);
  return `api/plans/${encodeURIComponent(plan)}/export?${query}`;
}

/** The name that an answer gives its file. */
export function fileNameOf(disposition: string | null, otherwise: string): string {
  const coded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? "");
  const plain = /filename="([^"]+)"/i.exec(disposition ?? "");
  try {
    return (coded ? decodeURIComponent(coded[1]) : plain?.[1]) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function createExports(
  desk: Desk,
  ask: Ask,
  save: (file: Blob, name: string) => void,
  clock: { now: () => number; every: (ms: number, work: () => void) => () => void } = {
    now: () => Date.now(),
    every: (ms, work) => {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
  },
): Exports {
  const { state } = desk;
  const running = signal<RunningExport | null>(null);
  let current: { key: string; stop: AbortController } | null = null;
  const address = (wish: ExportWish): string => exportAddress(state.plan.peek()?.id ?? "", wish);

  const look = async (key: string, words: Key, began: number): Promise<void> => {
    const known = running.peek() ?? { done: 0, total: 0 };
    // Nothing is known before it begins and after it has ended.
    const { done, total } = await ask(`api/exports/${key}`).then(
      async (answer) => (await answer.json()) as { done: number; total: number },
      () => known,
    ).then((found) => (found.total === 0 ? known : found));
    if (current?.key !== key) return;
    const seconds = (clock.now() - began) / 1000;
    const left = done >= ENOUGH && total > 0 ? Math.ceil((seconds * (total - done)) / done) : null;
    running.value = { words, done, total, seconds, left };
  };

  return {
    running,
    address,
    async fetch(wish, words) {
      if (current) return desk.say("export.busy");
      const mine = { key: newKey(), stop: new AbortController() };
      current = mine;
      const began = clock.now();
      running.value = { words, done: 0, total: 0, seconds: 0, left: null };
      state.live.value = state.t("export.begun", { what: state.t(words) });
      const end = clock.every(ASK_MS, () => void look(mine.key, words, began));
      try {
        const answer = await ask(`${address(wish)}&key=${mine.key}`, { signal: mine.stop.signal });
        const file = await answer.blob();
        if (current !== mine) return;
        const name = fileNameOf(answer.headers.get("Content-Disposition"), `plan.${wish.format}`);
        save(file, name);
        desk.say("export.done", { name });
      } catch (error) {
        if (current === mine && !mine.stop.signal.aborted) tell(desk, error);
      } finally {
        end();
        if (current === mine) {
          current = null;
          running.value = null;
        }
      }
    },
    cancel() {
      if (!current) return;
      const { key, stop } = current;
      stop.abort();
      current = null;
      running.value = null;
      desk.say("export.cancelled");
      // What is left of it on the server ends there too; where it has ended already there is nothing to do.
      void ask(`api/exports/${key}`, { method: "DELETE" }).catch(() => undefined);
    },
  };
}

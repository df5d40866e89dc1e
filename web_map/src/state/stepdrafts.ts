/** What was typed for steps of cases and not sent: it is there again when the step is asked for again, also after the page was closed. */

import type { StepKind } from "../api/cases";

export interface StepDraft {
  why: string;
  to: string;
}

export interface StepDrafts {
  get(id: number, kind: StepKind): StepDraft;
  /** Keep what stands there now; nothing: forget it. */
  keep(id: number, kind: StepKind, draft: StepDraft): void;
  drop(id: number, kind: StepKind): void;
}

const KEY = "wangge.case.drafts";
/** Steps whose words are kept, the latest ones. */
const MOST = 20;
const NONE: StepDraft = { why: "", to: "" };

export function createStepDrafts(read: (key: string) => string | null, write: (key: string, value: string) => void): StepDrafts {
  let kept: [name: string, draft: StepDraft][] = [];
  try {
    const found: unknown = JSON.parse(read(KEY) ?? "[]");
    if (Array.isArray(found)) kept = found.filter((each): each is [string, StepDraft] => typeof each?.[0] === "string" && typeof each?.[1]?.why === "string" && typeof each[1].to === "string");
  } catch {
    // What cannot be read is none.
  }
  const nameOf = (id: number, kind: StepKind): string => `${id} ${kind}`;
  const drop = (id: number, kind: StepKind): void => {
    const name = nameOf(id, kind);
    if (!kept.some(([each]) => each === name)) return;
    kept = kept.filter(([each]) => each !== name);
    write(KEY, JSON.stringify(kept));
  };
  return {
    get: (id, kind) => kept.find(([name]) => name === nameOf(id, kind))?.[1] ?? NONE,
    keep(id, kind, draft) {
      if (draft.why.trim() === "" && draft.to.trim() === "") return drop(id, kind);
      const name = nameOf(id, kind);
      kept = [...kept.filter(([each]) => each !== name), [name, draft] as [string, StepDraft]].slice(-MOST);
      write(KEY, JSON.stringify(kept));
    },
    drop,
  };
}

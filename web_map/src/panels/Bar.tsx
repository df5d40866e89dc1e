import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useApp } from "./context";

interface BarProps {
  kind: string;
  role?: "alert" | "status" | "group";
  label?: string;
  children: ComponentChildren;
}

/** Kinds that wait for an answer. */
const ASKING = new Set(["is-cut", "is-proposal", "is-refusal", "is-conflict"]);

/** One line over the lower edge of the map. */
export function Bar({ kind, role = "group", label, children }: BarProps) {
  const { state } = useApp();
  useEffect(() => {
    // On a tablet the sheet would cover it.
    if (ASKING.has(kind) && state.narrow.peek()) state.sheet.value = "peek";
  }, [kind]);
  return (
    <section class={`decision ${kind}`} role={role} aria-label={label}>
      {children}
    </section>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

interface MenuProps {
  label: string;
  /** Another drawing than that of a download. */
  icon?: IconName;
  children: ComponentChildren;
}

/** A button with a small page of links or buttons under it; closes by Escape, by a click elsewhere and by a choice. */
export function Menu({ label, icon, children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: PointerEvent): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button type="button" class="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {icon ? (
          <Icon name={icon} size={16} />
        ) : (
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d="M8 2v8m0 0 3-3m-3 3L5 7M3 13h10" />
          </svg>
        )}
        <span class="button-word">{label}</span>
      </button>
      {open && (
        <div class="menu-page" onClick={(event) => (event.target as Element).closest("a, .menu-entry") && setOpen(false)}>
          {children}
        </div>
      )}
    </div>
  );
}

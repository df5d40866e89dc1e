import { useEffect } from "preact/hooks";
import type { Key } from "../i18n";
import type { Tool } from "../state/edit";
import { BASE_KEYS } from "../state/basekeys";
import { TOOL_KEYS } from "../state/shortcuts";
import { BASE_TOOLS } from "./BasePanel";
import { useApp } from "./context";
import { Icon, type IconName } from "./icons";

const ORDER: readonly Tool[] = [
  "pan", "paint", "move", "lasso", "box", "block", "compound", "split", "draw", "cut", "merge", "lock", "note",
]; // prettier-ignore

/** Tools in their order, and the key of each. */
export const TOOLS = ORDER.map((tool) => ({
  tool,
  key: (Object.keys(TOOL_KEYS).find((key) => TOOL_KEYS[key] === tool) ?? "").toUpperCase(),
}));

/** Tools for base data, and the key of each. */
export const OF_BASE = BASE_TOOLS.map((tool) => ({
  tool,
  key: (Object.keys(BASE_KEYS).find((key) => BASE_KEYS[key] === tool) ?? "").toUpperCase(),
}));

/** The column of tools; only a draft has one. A plan that holds offers a draft of it instead. */
export function Tools() {
  const { state, edit, base } = useApp();
  const { t } = state;
  useEffect(showLetters, []);
  if (state.phase.value !== "ready" || state.plan.value?.state !== "draft") return null;
  const ready = edit.phase.value === "ready" && !state.looking.value;
  const { tool } = edit;
  return (
    <nav class="tools" aria-label={t("tools")}>
      <div class="tools-row" role="toolbar" aria-label={t("tools")} onKeyDown={walk}>
        {!base.on.value && TOOLS.map(({ tool: each, key }) => (
          <ToolButton
            key={each}
            name={each}
            words={t(`tool.${each}` as Key)}
            shortcut={key}
            pressed={tool.value === each}
            disabled={!ready}
            onClick={() => (tool.value = each)}
          />
        ))}
        {base.on.value &&
          OF_BASE.map(({ tool: each, key }) => (
            <ToolButton
              key={`base-${each}`}
              name={each === "look" ? "pan" : each}
              words={t(`base.tool.${each}`)}
              shortcut={key}
              pressed={base.tool.value === each}
              disabled={!ready || base.applying.value !== null}
              onClick={() => base.take(each)}
            />
          ))}
        <span class="tools-gap" />
        <ToolButton
          name="base"
          words={t("tool.base")}
          shortcut="G"
          pressed={base.on.value}
          disabled={!ready}
          onClick={() => (base.on.value ? base.leave() : base.enter())}
        />
        <ToolButton
          name="undo"
          words={t("edit.undo")}
          shortcut="Ctrl+Z"
          disabled={!ready || !(edit.canUndo.value || (base.on.value && base.canUndo.value))}
          onClick={() => void ((base.on.value && base.undo()) || edit.undo())}
        />
        <ToolButton
          name="redo"
          words={t("edit.redo")}
          shortcut="Ctrl+Y"
          disabled={!ready || !(edit.canRedo.value || (base.on.value && base.canRedo.value))}
          onClick={() => void ((base.on.value && base.redo()) || edit.redo())}
        />
      </div>
    </nav>
  );
}

interface ToolButtonProps {
  name: IconName;
  words: string;
  shortcut: string;
  pressed?: boolean;
  disabled: boolean;
  onClick: () => void;
}

function ToolButton({ name, words, shortcut, pressed, disabled, onClick }: ToolButtonProps) {
  return (
    <button
      type="button"
      class={pressed ? "tool is-on" : "tool"}
      data-tool={name}
      aria-label={words}
      aria-keyshortcuts={shortcut.replace("Ctrl", "Control")}
      aria-pressed={pressed}
      aria-disabled={disabled}
      onClick={() => disabled || onClick()}
    >
      <Icon name={name} />
      <span class="tool-tip" aria-hidden="true">
        {words} <kbd>{shortcut}</kbd>
      </span>
      <span class="tool-letter" aria-hidden="true">
        {shortcut.replace("Ctrl+", "^")}
      </span>
    </button>
  );
}

/** While Alt is held each tool shows its letter. */
function showLetters(): () => void {
  const set = (on: boolean) => (): void => void document.body.classList.toggle("alt-held", on);
  const down = (event: KeyboardEvent): void => void (event.key === "Alt" && set(true)());
  const up = (event: KeyboardEvent): void => void (event.key === "Alt" && set(false)());
  const away = set(false);
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  addEventListener("blur", away);
  return () => {
    removeEventListener("keydown", down);
    removeEventListener("keyup", up);
    removeEventListener("blur", away);
  };
}

/** Arrow keys walk along the buttons, as in every toolbar. */
function walk(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  if (step === undefined || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[(at + step + buttons.length) % buttons.length].focus();
}

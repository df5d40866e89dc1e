import type { Tool } from "../state/edit";
import type { Key } from "../i18n";
import { useApp } from "./context";
import { Icon, type IconName } from "./icons";

/** Tools in their order, and the key of each. */
export const TOOLS: readonly { tool: Tool; key: string }[] = [
  { tool: "pan", key: "V" },
  { tool: "paint", key: "P" },
  { tool: "move", key: "M" },
  { tool: "lasso", key: "L" },
  { tool: "box", key: "B" },
  { tool: "block", key: "K" },
  { tool: "compound", key: "U" },
  { tool: "split", key: "X" },
  { tool: "draw", key: "D" },
  { tool: "merge", key: "C" },
  { tool: "lock", key: "Q" },
];

/** The column of tools; only a draft has one. A plan that holds offers a draft of it instead. */
export function Tools() {
  const { state, edit } = useApp();
  const { t } = state;
  if (state.phase.value !== "ready" || state.plan.value?.state !== "draft") return null;
  const ready = edit.phase.value === "ready";
  const { tool } = edit;
  return (
    <div class="tools" role="toolbar" aria-label={t("tools")} aria-orientation="vertical" onKeyDown={walk}>
      {TOOLS.map(({ tool: each, key }) => (
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
      <span class="tools-gap" />
      <ToolButton
        name="undo"
        words={t("edit.undo")}
        shortcut="Ctrl+Z"
        disabled={!ready || !edit.canUndo.value}
        onClick={() => void edit.undo()}
      />
      <ToolButton
        name="redo"
        words={t("edit.redo")}
        shortcut="Ctrl+Y"
        disabled={!ready || !edit.canRedo.value}
        onClick={() => void edit.redo()}
      />
    </div>
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

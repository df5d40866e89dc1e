import { useDispatch } from "./casecontext";
import { Icon, type IconName } from "./icons";

/** The column of this desk: a new call, service areas, sound, counts by unit, rules. */
export function CaseTools() {
  const { state, cases, areas, focusCall } = useDispatch();
  const { t } = state;
  if (state.phase.value === "empty") return null;
  const shown = areas.category.value !== null;
  return (
    <nav class="tools" aria-label={t("tools")}>
      <div class="tools-row" role="toolbar" aria-label={t("tools")}>
        <Tool name="call" words={t("case.tool.call")} shortcut="N" onClick={focusCall} />
        <Tool
          name="target"
          words={t("case.tool.areas")}
          pressed={shown}
          onClick={() => (areas.category.value = shown ? null : (areas.categories.value[0] ?? null))}
        />
        <Tool name={cases.sound.value ? "sound" : "mute"} words={t(cases.sound.value ? "case.sound.off" : "case.sound.on")} shortcut="M" pressed={cases.sound.value} onClick={() => (cases.sound.value = !cases.sound.value)} />
        <Tool name="counts" words={t("case.stats")} onClick={() => (cases.dialog.value = "counts")} />
        <Tool name="rules" words={t("case.rules.open")} onClick={() => (cases.dialog.value = "rules")} />
      </div>
    </nav>
  );
}

interface ToolProps {
  name: IconName;
  words: string;
  shortcut?: string;
  pressed?: boolean;
  onClick: () => void;
}

function Tool({ name, words, shortcut, pressed, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class={pressed ? "tool is-on" : "tool"}
      data-tool={name}
      aria-label={words}
      aria-keyshortcuts={shortcut}
      aria-pressed={pressed}
      onClick={onClick}
    >
      <Icon name={name} />
      <span class="tool-tip" aria-hidden="true">
        {words} {shortcut && <kbd>{shortcut}</kbd>}
      </span>
      {shortcut && (
        <span class="tool-letter" aria-hidden="true">
          {shortcut}
        </span>
      )}
    </button>
  );
}

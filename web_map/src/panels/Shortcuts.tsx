import type { Key } from "../i18n";
import { useApp } from "./context";
import { Dialog } from "./Dialog";
import { OF_BASE, TOOLS } from "./Tools";

const EDITING: [string, Key][] = [
  ["[ ]", "keys.brush"],
  ["I", "keys.pick"],
  ["0–9", "keys.digits"],
  ["E", "keys.take"],
  ["Alt", "keys.alt"],
  ["Shift", "keys.lasso"],
  ["Ctrl", "keys.box"],
  ["Space", "keys.space"],
  ["Ctrl+Z", "edit.undo"],
  ["Ctrl+Y, Ctrl+Shift+Z", "edit.redo"],
  ["↑ ↓ ← →", "keys.cursor"],
  ["Enter", "keys.enter"],
  ["Delete", "keys.delete"],
  ["Esc", "keys.escape"],
];
const LOOKING: [string, Key][] = [
  ["/", "keys.search"],
  ["?", "keys.help"],
  ["+ −", "keys.zoom"],
];

/** All keys. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const { state, desk } = useApp();
  const { t } = state;
  const ofBase: [string, Key][] = [["G", "tool.base"], ...OF_BASE.map(({ tool, key }): [string, Key] => [key, `base.tool.${tool}`])];
  const tools = TOOLS.map(({ tool, key }) => [key, `tool.${tool}` as Key] as [string, Key]);
  const group = (title: Key, rows: [string, Key][]) => (
    <section>
      <h3>{t(title)}</h3>
      <dl class="keys">
        {rows.map(([key, words]) => (
          <div key={words}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
  return (
    <Dialog title={t("keys.title")} wide onClose={onClose}>
      <div class="keys-groups">
        {group("tools", tools)}
        {group("keys.editing", EDITING)}
        {group("tool.base", ofBase)}
        {group("keys.looking", LOOKING)}
      </div>
      <footer>
        <button type="button" class="button" onClick={() => (onClose(), (desk.tour.value = 0))}>
          {t("tour.again")}
        </button>
        <button type="button" class="button primary" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </footer>
    </Dialog>
  );
}

import type { ForceShown } from "../state/state";
import { useApp } from "./context";

const SHOWN: readonly ForceShown[] = ["changes", "all", "none"];

/** What can be laid over the map, or taken off: the plan in force, notes. */
export function Layers() {
  const { state, force } = useApp();
  const { t } = state;
  const standing = state.force.value;
  const notes = state.notes.value.length;
  if (standing === "none" && notes === 0) return null;
  return (
    <fieldset class="layers">
      <legend class="visually-hidden">{t("layers")}</legend>
      {standing !== "none" && (
        <label class="check">
          <span class={state.forceShown.value === "all" ? "swatch force" : "swatch force is-dotted"} />
          {t("layer.force")}
          <select
            value={state.forceShown.value}
            onChange={(event) => (state.forceShown.value = event.currentTarget.value as ForceShown)}
          >
            {SHOWN.map((each) => (
              <option key={each} value={each}>
                {t(`layer.force.${each}`)}
              </option>
            ))}
          </select>
          {standing === "loading" && <span class="muted">{t("layer.loading")}</span>}
        </label>
      )}
      {standing === "failed" && state.forceShown.value !== "none" && (
        <span role="alert">
          {t("layer.failed")}{" "}
          <button type="button" class="link" onClick={force.retry}>
            {t("error.retry")}
          </button>
        </span>
      )}
      {notes > 0 && (
        <label class="check">
          <input
            type="checkbox"
            checked={state.showNotes.value}
            onChange={(event) => (state.showNotes.value = event.currentTarget.checked)}
          />
          <span class="swatch note" />
          {t("layer.notes", { count: notes })}
        </label>
      )}
    </fieldset>
  );
}

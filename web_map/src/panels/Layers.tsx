import { useApp } from "./context";

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
          <input
            type="checkbox"
            checked={state.showForce.value}
            onChange={(event) => (state.showForce.value = event.currentTarget.checked)}
          />
          <span class="swatch force" />
          {t("layer.force")}
          {standing === "loading" && <span class="muted">{t("layer.loading")}</span>}
        </label>
      )}
      {standing === "failed" && state.showForce.value && (
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

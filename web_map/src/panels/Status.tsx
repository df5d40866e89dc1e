import { useState } from "preact/hooks";
import { formatNumber, formatTime } from "../i18n";
import { sentenceOf } from "../state/connection";
import { checkWords } from "./CheckList";
import { useApp } from "./context";
import { Icon } from "./icons";

/** The lowest line: whether all is saved, who is here, what most needs mending, whose data it is. */
export function Status() {
  const { state } = useApp();
  const { t, plan, detail, phase, baseFailed } = state;
  const { actions } = useApp();
  const attribution = detail.value?.attribution;
  return (
    <footer class="status">
      <Saving />
      <People />
      {baseFailed.value && phase.value === "ready" && (
        <span class="alert">
          {t("status.baseFailed")}{" "}
          <button type="button" class="link" onClick={actions.retry}>
            {t("error.retry")}
          </button>
        </span>
      )}
      {phase.value === "ready" && <Worst />}
      {plan.value && (
        <span class="counts">
          {t("status.counts", { grids: state.totals.value.grids || plan.value.n_grids, cells: formatNumber(plan.value.n_cells) })}
        </span>
      )}
      {attribution && (
        <span class="attribution" title={attribution}>
          {t("status.data")}: {attribution}
        </span>
      )}
    </footer>
  );
}

/** Whether the server has everything. */
function Saving() {
  const { state, desk, edit } = useApp();
  const { t } = state;
  const sync = desk.sync.value;
  if (!sync) return null;
  const standing = sync.standing.value;
  const unsent = sync.unsent.value;
  const connection = { standing, unsent, savedAt: sync.savedAt.value, kept: desk.kept.value };
  const { key, values, alert } = sentenceOf(connection, (at) => formatTime(at, state.lang.value));
  const steps = edit.undoDepth.value;
  return (
    <span class={`saving is-${standing}`} data-standing={standing} data-unsent={unsent}>
      <span class="dot" aria-hidden="true" />
      <span class={alert ? "alert" : ""} role="status">
        {t(key, values)}
      </span>
      {steps > 0 && <span class="steps">· {t(steps === 1 ? "status.undoOne" : "status.undo", { count: steps })}</span>}
    </span>
  );
}

/** Who else works on this draft, and under which name one's own edits are kept. */
function People() {
  const { state, desk } = useApp();
  const { t } = state;
  const [open, setOpen] = useState(false);
  if (!desk.sync.value) return null;
  const people = desk.people.value;
  const others = people.filter((each) => each.client !== desk.me.value);
  const words = people.length > 1 ? t("people.count", { count: people.length }) : t("people.alone");
  return (
    <span
      class="people"
      onKeyDown={(event) => event.key === "Escape" && open && (event.stopPropagation(), setOpen(false))}
    >
      <button type="button" class="link quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="person" size={14} /> <span class="people-words">{words}</span>
        {people.length > 1 && (
          <b class="people-count" aria-hidden="true">
            {people.length}
          </b>
        )}
      </button>
      {open && (
        <div class="people-page" role="group" aria-label={t("people.title")}>
          <label class="field">
            <span>{t("people.mine")}</span>
            <input
              type="text"
              maxLength={60}
              defaultValue={desk.who.value}
              placeholder={t("people.hint")}
              onChange={(event) => (desk.who.value = event.currentTarget.value.trim())}
            />
          </label>
          <ul hidden={others.length === 0}>
            {others.map((each) => (
              <li key={each.client}>{each.name || t("people.someone")}</li>
            ))}
          </ul>
          {!desk.line.value && <p class="alert">{t("people.noLine")}</p>}
        </div>
      )}
    </span>
  );
}

/** The one thing most worth mending, and the way there. */
function Worst() {
  const { state, actions, desk, edit } = useApp();
  const { t, worst } = state;
  const check = desk.checks.value[0];
  if (edit.phase.value === "ready" && check && check.kind !== "unnamed" && check.kind !== "without_staff") {
    const show = (): void => {
      desk.tab.value = "checks";
      state.panelHidden.value = false;
      desk.zoomTo(check);
    };
    return (
      <span class="worst">
        <span class="worst-words">
          <b class="alert">!</b> {checkWords(state, check)}
        </span>{" "}
        <button type="button" class="link" onClick={show}>
          {t("status.show")}
        </button>
      </span>
    );
  }
  if (!worst.value) return <span class="worst"><span class="worst-words">{t("status.allIn")}</span></span>;
  const { kind, grids } = worst.value;
  const show = (): void => {
    state.outOnly.value = true;
    state.sort.value = { key: "households", ascending: kind === "under" };
    state.panelHidden.value = false;
    actions.selectGrid(grids[0], { zoom: true });
  };
  return (
    <span class="worst">
      <span class="worst-words">
        <b class="alert">!</b> {t(grids.length === 1 ? `status.${kind}One` : `status.${kind}`, { count: grids.length })}
      </span>{" "}
      <button type="button" class="link" onClick={show}>
        {t("status.show")}
      </button>
    </span>
  );
}

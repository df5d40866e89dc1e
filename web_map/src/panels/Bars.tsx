import { useEffect } from "preact/hooks";
import type { Key } from "../i18n";
import { shortCode } from "../kernels/codes";
import { type Conflict as ConflictState, type Refusal as RefusalState } from "../state/sync";
import { problemWords } from "../state/problems";
import { Bar } from "./Bar";
import { useApp } from "./context";
import { CutPanel } from "./CutPanel";
import { Icon } from "./icons";
import { ProposalBar, ReasonsBar } from "./ProposalBar";

/** What asks for a decision, above the lower edge of the map; the gravest lowest. */
export function Bars() {
  const { desk, edit } = useApp();
  const sync = desk.sync.value;
  const conflict = sync?.conflict.value;
  const refusal = sync?.refusal.value;
  return (
    <div class="bars">
      <Word />
      <CutPanel />
      {edit.cutOff.value && !edit.proposal.value && <CutOffBar />}
      <JobBar />
      <BaseBar />
      <ExportBar />
      <EmptyBar />
      <ReasonsBar />
      {edit.proposal.value && <ProposalBar proposal={edit.proposal.value} />}
      {refusal && <RefusalBar refusal={refusal} />}
      {conflict && <ConflictBar conflict={conflict} />}
    </div>
  );
}

/** Why a stroke did nothing, what was done, what went wrong. */
function Word() {
  const { state, desk, edit } = useApp();
  const { t } = state;
  const toast = desk.toast.value;
  const message = edit.message.value;
  useEffect(() => {
    // News go by themselves, as those of the desk do; what was not done stays until the next step.
    if (!message || message.alert) return;
    const timer = setTimeout(() => edit.message.peek() === message && (edit.message.value = null), WORD_MS);
    return () => clearTimeout(timer);
  }, [message]);
  if (!toast && !message) return null;
  const { key, values, alert } = toast ?? (message as NonNullable<typeof message>);
  const close = (): void => {
    if (toast) desk.toast.value = null;
    else edit.message.value = null;
  };
  return (
    // What is no alert is said by the live region of the page.
    <Bar key={String(alert)} kind={alert ? "is-word is-alert" : "is-word"} role={alert ? "alert" : "group"}>
      <b class="word-mark" aria-hidden="true">
        {alert ? "!" : "i"}
      </b>
      <span>{t(key, values)}</span>
      <button type="button" class="icon-button" aria-label={t("bar.close")} title={t("bar.close")} onClick={close}>
        <Icon name="close" size={14} />
      </button>
    </Bar>
  );
}

const WORD_MS = 8000;
const MOST_CHOICES = 3;
/** A job of fewer seconds does not count them. */
const TOLD_S = 5;

const cutWords = (pending: boolean, count: number): Key =>
  pending ? (count === 1 ? "cut.textOne" : "cut.text") : count === 1 ? "cut.doneOne" : "cut.done";

function CutOffBar() {
  const { state, edit } = useApp();
  const { t, grids } = state;
  const cut = edit.cutOff.value;
  if (!cut) return null;
  const code = (ix: number): string => shortCode(grids.value[ix]?.code ?? "");
  const others = cut.choices.filter((grid) => grid !== cut.target).slice(0, MOST_CHOICES);
  return (
    <Bar kind="is-cut" role="alert">
      <span>
        <b>!</b> {t(cutWords(cut.pending, cut.cells.length), { count: cut.cells.length, code: code(cut.grid) })}
      </span>
      {!cut.pending && (
        <span class="decision-buttons">
          {cut.target >= 0 && (
            <button type="button" class="button primary" onClick={edit.takeAlong}>
              {t("cut.along", { code: code(cut.target) })}
            </button>
          )}
          {others.map((grid) => (
            <button key={grid} type="button" class="button" onClick={() => edit.giveTo(grid)}>
              {t("cut.give", { code: code(grid) })}
            </button>
          ))}
          <button type="button" class="button" onClick={edit.leaveCut}>
            {t("cut.leave")}
          </button>
          <button type="button" class="button" onClick={edit.cancelStroke}>
            {t("cut.cancel")}
          </button>
        </span>
      )}
    </Bar>
  );
}

function JobBar() {
  const { state, jobs } = useApp();
  const { t } = state;
  const job = jobs.running.value;
  if (!job) return null;
  const percent = Math.round(100 * job.progress);
  const words = t(`job.${job.kind}`);
  return (
    <Bar kind="is-job" label={words}>
      <span>{words}</span>
      <progress max={100} value={percent} aria-label={words} />
      <span class="number">
        {percent} %{" "}
        {job.left === null ? (job.spent >= TOLD_S ? t("job.spent", { seconds: job.spent }) : "") : job.left > 1 ? t("job.left", { seconds: job.left }) : ""}
      </span>
      <button type="button" class="button" onClick={jobs.cancel}>
        {t("job.cancel")}
      </button>
    </Bar>
  );
}

/** A file that the server makes; one that comes at once is not worth a word. */
function ExportBar() {
  const { state, exports } = useApp();
  const { t } = state;
  const running = exports.running.value;
  if (!running || running.seconds < 0.3) return null;
  const { done, total, seconds, left } = running;
  const words = t(running.words);
  return (
    <Bar kind="is-job" role="group" label={words}>
      <span>{words}</span>
      {total > 0 ? <progress max={total} value={done} aria-label={words} /> : <progress aria-label={words} />}
      <span class="number">
        {total > 0 ? t("export.sheets", { done, total }) : t("export.seconds", { seconds: Math.round(seconds) })}{" "}
        {left !== null && left > 1 ? t("job.left", { seconds: left }) : ""}
      </span>
      <button type="button" class="button" onClick={exports.cancel}>
        {t("job.cancel")}
      </button>
    </Bar>
  );
}

/** Base data that are being changed, where their own page of the panel is not open. */
function BaseBar() {
  const { state, base } = useApp();
  const { t } = state;
  const share = base.applying.value;
  if (share === null || base.on.value) return null;
  const percent = Math.round(100 * share);
  return (
    <Bar kind="is-job" label={t("base.applying")}>
      <span>{t("base.applying")}</span>
      <progress max={100} value={percent} aria-label={t("base.applying")} />
      <span class="number">{percent} %</span>
      <button type="button" class="button" onClick={base.cancel}>
        {t("job.cancel")}
      </button>
    </Bar>
  );
}

/** A draft without grids: what comes next. */
function EmptyBar() {
  const { state, desk, edit, jobs } = useApp();
  const { t } = state;
  if (edit.phase.value !== "ready" || desk.totals.value?.grids !== 0 || jobs.running.value || desk.dialog.value) return null;
  return (
    <Bar kind="is-empty">
      <span>{t("first.noGrids")}</span>
      <button type="button" class="button primary" onClick={() => (desk.dialog.value = "partition")}>
        {t("first.makeGrids")} …
      </button>
    </Bar>
  );
}

function ConflictBar({ conflict }: { conflict: ConflictState }) {
  const { state, desk, actions, edit } = useApp();
  const { t } = state;
  const { theirs, overlap } = conflict;
  const names = [...new Set(theirs.map((each) => each.who || t("people.someone")))].join(", ");
  const sync = desk.sync.value;
  return (
    <Bar kind="is-conflict" role="alert">
      <div>
        <b>{t("conflict.title", { name: names })}</b>
        <p>
          {overlap.cells.length > 0 && t("conflict.cells", { count: overlap.cells.length })}{" "}
          {overlap.paths.length > 0 && t("conflict.paths", { list: overlap.paths.map((path) => pathWords(path)).join(", ") })}{" "}
          {t("conflict.safe")}
        </p>
      </div>
      <span class="decision-buttons">
        {overlap.cells.length > 0 && edit.ground && (
          <button
            type="button"
            class="button"
            onClick={() => edit.ground && actions.fitCells(edit.ground.graph.anchor, overlap.cells)}
          >
            {t("checks.zoom")}
          </button>
        )}
        <button type="button" class="button" onClick={() => sync?.keepMine()}>
          {t("conflict.mine")}
        </button>
        <button type="button" class="button" onClick={() => sync?.takeTheirs()}>
          {t("conflict.theirs")}
        </button>
      </span>
    </Bar>
  );

  // "grid/7/name" as people say it.
  function pathWords(path: string): string {
    const [, ix, field] = /^grid\/(\d+)(?:\/(\w+))?$/.exec(path) ?? [];
    if (ix === undefined) return t(path.startsWith("note/") ? "field.note" : "field.lock");
    const code = shortCode(state.grids.value[Number(ix)]?.code ?? ix);
    const fields = ["name", "code", "colour", "locked", "staff"] as const;
    const known = fields.find((each) => each === field);
    return known ? t("field.of", { code, field: t(`field.${known}`) }) : t("detail.grid", { code });
  }
}

function RefusalBar({ refusal }: { refusal: RefusalState }) {
  const { state, desk, plans } = useApp();
  const { t } = state;
  const sync = desk.sync.value;
  const noDraft = refusal.code === "conflict";
  const name = t("plan.rescued", { name: state.plan.value?.name ?? "" });
  return (
    <Bar kind="is-conflict" role="alert">
      <div>
        <b>{t("refused.title")}</b>
        <p>
          {problemWords(state, refusal.told)} {t("refused.safe", { count: sync?.unsent.value ?? 0 })}
        </p>
      </div>
      <span class="decision-buttons">
        {noDraft && (
          <button type="button" class="button primary" onClick={() => void plans.rescue(name)}>
            {t("refused.rescue")}
          </button>
        )}
        <button type="button" class="button" onClick={() => sync?.tryAgain()}>
          {t("error.retry")}
        </button>
        <button type="button" class="button" onClick={() => void sync?.dropRefused()}>
          {t("refused.drop")}
        </button>
      </span>
    </Bar>
  );
}


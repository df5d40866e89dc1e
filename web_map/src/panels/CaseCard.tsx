import { useState } from "preact/hooks";
import type { CaseDetail, StepKind } from "../api/cases";
import { formatTime, type Key } from "../i18n";
import { standingOf, worthAsking } from "../state/caselist";
import { nextStep, STEPS, stepsToSend } from "../state/casesteps";
import { timeWords } from "../state/cases";
import { roomPath } from "../state/rooms";
import { dutyWords, gradeWords, unitWords } from "../state/casewords";
import { CaseChip } from "./CaseChip";
import { CaseFiles, CaseHistory } from "./CaseHistory";
import { GridLink, NearList, StaffList } from "./CaseParts";
import { CaseStepForm } from "./CaseStepForm";
import { useDispatch } from "./casecontext";
import { Icon } from "./icons";

/** The case that is chosen: where it stands, what can be done now, whose it is, what happened. */
export function CaseCard() {
  const { state, cases } = useDispatch();
  const { t } = state;
  const one = cases.detail.value;
  const id = cases.chosen.value;
  const [over, setOver] = useState(false);
  return (
    <section
      class={over ? "case-card is-over" : "case-card"}
      aria-label={t("case.card", { id: String(id) })}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length > 0) void cases.attach(files);
      }}
    >
      <button type="button" class="icon-button details-close" aria-label={t("case.close")} title={`${t("case.close")} (Esc)`} onClick={() => cases.choose(null)}>
        <Icon name="close" size={14} />
      </button>
      {one?.id === id && one ? (
        <Body one={one} />
      ) : cases.detailFailed.value ? (
        <>
          <Brief id={id} />
          <p class="alert" role="alert">
            {t("case.failed")}{" "}
            <button type="button" class="link" onClick={cases.retryDetail}>
              {t("error.retry")}
            </button>
          </p>
        </>
      ) : (
        <p class="muted">{t("case.loading")}</p>
      )}
    </section>
  );
}

/** What the list knows of a case, while the server does not answer. */
function Brief({ id }: { id: number | null }) {
  const { state, cases } = useDispatch();
  const row = id === null ? undefined : cases.rows.value.get(id);
  if (!row) return null;
  return (
    <>
      <h2>
        <span class="muted">#{row.id}</span> {row.category} <CaseChip state={row.state} />
      </h2>
      {row.words && <p class="case-words">{row.words}</p>}
      <p>
        {row.grid_code !== null && <GridLink code={row.grid_code} />} {row.details.address ?? ""}
      </p>
      {row.unit !== null && (
        <p>
          {state.t("case.with")} <b>{unitWords(state, row.unit)}</b>
        </p>
      )}
    </>
  );
}

function Body({ one }: { one: CaseDetail }) {
  const { state, cases, show } = useDispatch();
  const { t } = state;
  const standing = standingOf(one, cases.now.value, cases.clock.value);
  const late = standing.overdue || standing.acceptOverdue;
  return (
    <>
      <h2>
        <a class="muted case-address" href={roomPath("dispatch", state.plan.value?.id ?? null, one.id)} title={t("case.address")}>
          #{one.id}
        </a>{" "}
        {one.category} <CaseChip state={one.state} />
      </h2>
      <p class={late ? "case-clock alert" : "case-clock"}>
        {late && <b aria-hidden="true">! </b>}
        {timeWords(t, one, standing)}
        {one.due_at && one.clock !== "ended" && <span> · {t("case.due", { time: formatTime(one.due_at, state.lang.value) })}</span>}
        {standing.acceptOverdue && <span> · {t("case.clock.acceptLate")}</span>}
      </p>
      {one.words && <p class="case-words">{one.words}</p>}
      <p>
        {one.grid_code !== null ? <GridLink code={one.grid_code} /> : <b class="alert">? {t(one.candidates.length > 0 ? "case.grid.unsure" : "case.grid.none")}</b>}{" "}
        <button type="button" class="link" onClick={() => show(one.lon, one.lat)}>
          {one.details.address || `${one.lon.toFixed(5)}, ${one.lat.toFixed(5)}`}
        </button>
        {one.accuracy_m > 0 && <span class="muted"> ± {Math.round(one.accuracy_m)} m</span>}
      </p>
      {one.grid_code === null && one.candidates.length > 0 && <Candidates one={one} />}
      <p>
        {one.unit !== null ? (
          <>
            {t("case.with")} <b>{unitWords(state, one.unit)}</b>
            {one.level !== "grid" && <span class="muted"> · {t(`case.level.${one.level}` as Key)}</span>}
          </>
        ) : (
          <span class="duty" title={one.duty.because}>
            {dutyWords(state, one)}
          </span>
        )}
        <span class="muted">
          {" "}
          · {gradeWords(t, one.grade)}
          {one.round > 1 && ` · ${t("case.round", { round: one.round })}`}
          {one.returns > 0 && ` · ${t("case.returns", { count: one.returns })}`}
          {one.urgings > 0 && ` · ${t("case.urgings", { count: one.urgings })}`}
        </span>
      </p>
      <Fault />
      <Deeds one={one} />
      {cases.asked.value && <CaseStepForm key={cases.asked.value} one={one} kind={cases.asked.value} />}
      <Same one={one} />
      <StaffList staff={cases.staff.value} grid={one.grid_code} />
      <CaseFiles one={one} />
      <CaseHistory steps={one.steps} />
      <NearList near={cases.near.value} />
    </>
  );
}

/** What went wrong with the last step; where somebody else was quicker, what stands here is what they left. */
function Fault() {
  const { state, cases } = useDispatch();
  const fault = cases.fault.value;
  if (!fault) return null;
  return (
    <div class="case-fault" role="alert">
      <p class="alert">{fault.conflict ? state.t("case.conflict") : fault.words}</p>
      {fault.conflict && <p class="muted">{fault.words}</p>}
      <button type="button" class="link" onClick={() => (cases.fault.value = null)}>
        {state.t("dialog.close")}
      </button>
    </div>
  );
}

/** The grids that it may lie in: one click settles it. */
function Candidates({ one }: { one: CaseDetail }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  return (
    <div class="choices" role="group" aria-label={t("case.candidates")}>
      {worthAsking(one.candidates).map(({ code, share }, i) => (
        <button key={code} type="button" class="button" aria-keyshortcuts={String(i + 1)} aria-disabled={cases.busy.value} onClick={() => void cases.settle(code)}>
          <kbd>{i + 1}</kbd> <GridLink code={code} plain /> <span class="muted">{Math.round(100 * share)} %</span>
        </button>
      ))}
    </div>
  );
}

/** Every step that is possible now, each with its key; what leads on comes first. */
function Deeds({ one }: { one: CaseDetail }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  const next = nextStep(one.state);
  const possible = STEPS.filter(({ kind }) => one.allowed.includes(kind));
  const ordered = [...possible.filter(({ kind }) => kind === next), ...possible.filter(({ kind }) => kind !== next)];
  const words = (kind: StepKind): string =>
    kind === "dispatch" && one.duty.unit !== null ? t("case.dispatchTo", { unit: unitWords(state, one.duty.unit) }) : t(`case.step.${kind}`);
  return (
    <div class="case-deeds" role="group" aria-label={t("case.deeds")}>
      {stepsToSend(one.state).length > 1 && one.duty.unit !== null && (
        <button type="button" class="button primary" aria-keyshortcuts="W" aria-disabled={cases.busy.value} onClick={() => void cases.sendOut()}>
          {t("case.sendOut", { unit: unitWords(state, one.duty.unit) })} <kbd>W</kbd>
        </button>
      )}
      {ordered.map(({ kind, key }) => (
        <button
          key={kind}
          type="button"
          class={kind === next && stepsToSend(one.state).length < 2 ? "button primary" : cases.asked.value === kind ? "button is-on" : "button"}
          data-step={kind}
          aria-keyshortcuts={key}
          aria-expanded={cases.asked.value === kind ? true : undefined}
          aria-disabled={cases.busy.value}
          onClick={() => cases.busy.value || cases.ask(kind)}
        >
          {words(kind)} <kbd>{key}</kbd>
        </button>
      ))}
    </div>
  );
}

/** Open cases that this one may repeat; people link them, nobody else. */
function Same({ one }: { one: CaseDetail }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  const open = one.allowed.includes("link");
  if (one.duplicate_of !== null)
    return (
      <p>
        {t("case.repeats")}{" "}
        <button type="button" class="link" onClick={() => cases.choose(one.duplicate_of)}>
          #{one.duplicate_of}
        </button>
      </p>
    );
  if (one.duplicates.length === 0) return null;
  return (
    <div class="like">
      <h3>{t("case.like")}</h3>
      <ul>
        {one.duplicates.map(({ id, metres }) => (
          <li key={id}>
            <button type="button" class="link" onClick={() => cases.choose(id)}>
              #{id} {cases.rows.value.get(id)?.category ?? ""}
            </button>{" "}
            <span class="muted">{t("case.metres", { metres: Math.round(metres) })}</span>{" "}
            {open && (
              <button type="button" class="link" aria-disabled={cases.busy.value} onClick={() => void cases.act("link", { other: id })}>
                {t("case.linkTo", { id: String(id) })}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

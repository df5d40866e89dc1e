import { GRADES } from "../state/casesteps";
import { callWords } from "../state/casecall";
import { CaseChip } from "./CaseChip";
import { GridLink, NearList, StaffList } from "./CaseParts";
import { useDispatch } from "./casecontext";
import { isComposing } from "./context";
import { Icon } from "./icons";

/** The call that is being taken: whose it is, what may be the same, what is near, and the case to be made. */
export function CallCard() {
  const { state, call } = useDispatch();
  const { t } = state;
  const place = call.place.value;
  if (!place) return null;
  return (
    <section class="call-card" aria-label={t("case.call.title")}>
      <header>
        <h2>{place.how === "address" ? place.label : t(place.how === "map" ? "case.call.onMap" : "case.call.coordinates")}</h2>
        <button type="button" class="icon-button" aria-label={t("case.call.close")} title={`${t("case.call.close")} (Esc)`} onClick={call.leave}>
          <Icon name="close" size={14} />
        </button>
      </header>
      <p class="muted case-place">
        {place.lon.toFixed(6)}, {place.lat.toFixed(6)}
        {call.accuracy.value > 0 && ` · ± ${call.accuracy.value} m`}
      </p>
      <Whose />
      <Like />
      <Form />
      <NearList near={call.near.value} />
    </section>
  );
}

function Whose() {
  const { state, call } = useDispatch();
  const { t } = state;
  const answer = call.answer.value;
  if (call.asking.value === "busy" && !answer) return <p class="muted">{t("case.call.asking")}</p>;
  if (!answer)
    return (
      <p class="alert" role="alert">
        {call.problem.value || t("case.call.failed")}{" "}
        <button type="button" class="link" onClick={call.retry}>
          {t("error.retry")}
        </button>
      </p>
    );
  const unsure = answer.choices.length > 0;
  return (
    <div class="whose" aria-busy={call.asking.value === "busy"}>
      {answer.grid_code !== null && !unsure && (
        <p class="whose-grid">
          <GridLink code={answer.grid_code} name={answer.name} />
        </p>
      )}
      <p class={answer.status === "outside" || unsure ? "whose-words is-open" : "whose-words"}>
        {(answer.status === "outside" || unsure) && <b aria-hidden="true">? </b>}
        {callWords(state, answer)}
      </p>
      {unsure && (
        <div class="choices" role="group" aria-label={t("case.candidates")}>
          {answer.choices.map(({ code, share }, i) => (
            <button
              key={code}
              type="button"
              class={call.grid.value === code ? "button is-on" : "button"}
              aria-pressed={call.grid.value === code}
              aria-keyshortcuts={String(i + 1)}
              onClick={() => (call.grid.value = call.grid.value === code ? null : code)}
            >
              <kbd>{i + 1}</kbd> <GridLink code={code} plain /> <span class="muted">{Math.round(100 * share)} %</span>
            </button>
          ))}
        </div>
      )}
      {call.staff.value && <StaffList staff={call.staff.value} grid={call.grid.value ?? (unsure ? null : answer.grid_code)} />}
    </div>
  );
}

/** Open cases near by that may be the same. */
function Like() {
  const { state, call, cases } = useDispatch();
  const { t } = state;
  const found = call.like.value;
  if (found.length === 0) return null;
  return (
    <div class="like">
      <h3>{t("case.like")}</h3>
      <ul>
        {found.map(({ row, metres }) => (
          <li key={row.id}>
            <button type="button" class="link" onClick={() => (call.leave(), cases.choose(row.id))}>
              #{row.id} {row.category}
            </button>{" "}
            <CaseChip state={row.state} /> <span class="muted">{t("case.metres", { metres: Math.round(metres) })}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Form() {
  const { state, call, cases } = useDispatch();
  const { t } = state;
  const busy = call.making.value;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      call.leave();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void call.make(true);
    }
  };
  return (
    <form
      class="call-form"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        void call.make(false);
      }}
    >
      <label class="field">
        <span>{t("case.category")}</span>
        <input
          id="call-category"
          type="text"
          list="call-categories"
          maxLength={200}
          value={call.category.value}
          onKeyDown={(event) => {
            // No category begins with a digit: before one is typed, it chooses among the grids.
            const choice = call.category.value === "" && /^[1-9]$/.test(event.key) ? call.answer.value?.choices[Number(event.key) - 1] : undefined;
            if (!choice || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            call.grid.value = choice.code;
          }}
          onInput={(event) => (call.category.value = event.currentTarget.value)}
        />
        <datalist id="call-categories">
          {cases.categories.value.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>{t("case.grade")}</span>
        <select value={call.grade.value} onChange={(event) => (call.grade.value = event.currentTarget.value)}>
          {GRADES.map((grade) => (
            <option key={grade} value={grade}>
              {t(`case.grade.${grade}`)}
            </option>
          ))}
        </select>
      </label>
      <label class="field wide">
        <span>{t("case.words")}</span>
        <textarea rows={2} maxLength={4000} value={call.words.value} onInput={(event) => (call.words.value = event.currentTarget.value)} />
      </label>
      {call.fault.value && (
        <p class="alert wide" role="alert">
          {call.fault.value}
        </p>
      )}
      <p class="wide form-buttons">
        <button type="submit" class="button" aria-disabled={busy}>
          {t("case.make")}
        </button>
        <button type="button" class="button primary" title="Ctrl+Enter" aria-disabled={busy} onClick={() => void call.make(true)}>
          {t("case.makeSend")}
        </button>
      </p>
    </form>
  );
}

import { useState } from "preact/hooks";
import type { Rules } from "../api/cases";
import { type Day, DAYS, type DeadlineForm, type DutyForm, formOf, NEW_DEADLINE, NEW_RULE, type RulesForm, rulesOf } from "../state/caserules";
import { GRADES } from "../state/casesteps";
import { useDispatch } from "./casecontext";
import { Dialog } from "./Dialog";
import { Icon } from "./icons";

type Page = "deadlines" | "duty" | "hours" | "json";
const PAGES: readonly Page[] = ["deadlines", "duty", "hours", "json"];

/** The rules of handling cases: deadlines, whose what is, working hours; as tables, or as they are kept. */
export function CaseRules({ onClose }: { onClose: () => void }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  const before = cases.rules.value;
  const [page, setPage] = useState<Page>("deadlines");
  const [form, setForm] = useState<RulesForm>(() => formOf(before ?? {}));
  const [json, setJson] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  if (!before)
    return (
      <Dialog title={t("case.rules")} onClose={onClose}>
        <p class="alert">{t("case.list.failed")}</p>
      </Dialog>
    );
  const said = (): Rules | null => {
    if (page !== "json") return rulesOf(form, before);
    try {
      return JSON.parse(json) as Rules;
    } catch (error) {
      setFault(t("case.rules.badJson", { why: error instanceof Error ? error.message : "" }));
      return null;
    }
  };
  const go = (next: Page): void => {
    if (next === page) return;
    const rules = said();
    if (!rules) return;
    setFault("");
    if (next === "json") setJson(JSON.stringify(rules, null, 2));
    else if (page === "json") setForm(formOf(rules));
    setPage(next);
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const rules = said();
    if (!rules || busy) return;
    setBusy(true);
    const found = await cases.saveRules(rules);
    setBusy(false);
    if (found === null) onClose();
    else setFault(found);
  };
  const set = (part: Partial<RulesForm>): void => setForm({ ...form, ...part });
  return (
    <Dialog title={t("case.rules")} wide onClose={onClose}>
      <form class="rules" onSubmit={(event) => void save(event)}>
        <div class="tabs" role="tablist" aria-label={t("case.rules")}>
          {PAGES.map((each) => (
            <button key={each} type="button" role="tab" aria-selected={page === each} onClick={() => go(each)}>
              {t(`case.rules.${each}`)}
            </button>
          ))}
        </div>
        <div class="rules-page" role="tabpanel" aria-label={t(`case.rules.${page}`)}>
          {page === "deadlines" && <Deadlines rows={form.deadlines} set={(deadlines) => set({ deadlines })} />}
          {page === "duty" && <Duty form={form} set={set} />}
          {page === "hours" && <WorkHours form={form} set={set} />}
          {page === "json" && (
            <label class="field">
              <span>{t("case.rules.jsonHint")}</span>
              <textarea class="rules-json" rows={18} spellcheck={false} value={json} onInput={(event) => setJson(event.currentTarget.value)} />
            </label>
          )}
        </div>
        {fault && (
          <p class="alert" role="alert">
            {fault}
          </p>
        )}
        <p class="muted">{t("case.rules.note")}</p>
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary" aria-disabled={busy}>
            {t("dialog.save")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

const replaced = <T,>(rows: readonly T[], at: number, part: Partial<T>): T[] => rows.map((row, i) => (i === at ? { ...row, ...part } : row));
const without = <T,>(rows: readonly T[], at: number): T[] => rows.filter((_, i) => i !== at);

interface CellProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  number?: boolean;
}

function Cell({ label, value, onInput, number = false }: CellProps) {
  return (
    <td>
      <input type="text" inputMode={number ? "numeric" : "text"} class={number ? "is-number" : ""} aria-label={label} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </td>
  );
}

function Remove({ onClick }: { onClick: () => void }) {
  const { t } = useDispatch().state;
  return (
    <td>
      <button type="button" class="icon-button" aria-label={t("case.rules.remove")} title={t("case.rules.remove")} onClick={onClick}>
        <Icon name="close" size={14} />
      </button>
    </td>
  );
}

function Deadlines({ rows, set }: { rows: DeadlineForm[]; set: (rows: DeadlineForm[]) => void }) {
  const { t } = useDispatch().state;
  const change = (at: number) => (part: Partial<DeadlineForm>) => set(replaced(rows, at, part));
  return (
    <>
      <p>{t("case.rules.deadlinesHint")}</p>
      <div class="rules-scroll">
        <table class="plain rules-table" hidden={rows.length === 0}>
          <thead>
            <tr>
              {(["category", "grade", "accept", "handle", "clock", "urge"] as const).map((name) => (
                <th key={name} scope="col">
                  {t(`case.rules.col.${name}`)}
                </th>
              ))}
              <th>
                <span class="visually-hidden">{t("case.rules.remove")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                <Cell label={t("case.rules.col.category")} value={row.category} onInput={(category) => change(at)({ category })} />
                <td>
                  <select aria-label={t("case.rules.col.grade")} value={row.grade} onChange={(event) => change(at)({ grade: event.currentTarget.value })}>
                    <option value="*">{t("case.rules.all")}</option>
                    {GRADES.map((grade) => (
                      <option key={grade} value={grade}>
                        {t(`case.grade.${grade}`)}
                      </option>
                    ))}
                  </select>
                </td>
                <Cell number label={t("case.rules.col.accept")} value={row.accept} onInput={(accept) => change(at)({ accept })} />
                <Cell number label={t("case.rules.col.handle")} value={row.handle} onInput={(handle) => change(at)({ handle })} />
                <td>
                  <input type="checkbox" aria-label={t("case.rules.col.clock")} checked={row.clock} onChange={(event) => change(at)({ clock: event.currentTarget.checked })} />
                </td>
                <Cell number label={t("case.rules.col.urge")} value={row.urge} onInput={(urge) => change(at)({ urge })} />
                <Remove onClick={() => set(without(rows, at))} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" class="button" onClick={() => set([...rows, NEW_DEADLINE])}>
        {t("case.rules.addDeadline")}
      </button>
    </>
  );
}

function Duty({ form, set }: { form: RulesForm; set: (part: Partial<RulesForm>) => void }) {
  const { t } = useDispatch().state;
  const { rules, units } = form;
  const change = (at: number) => (part: Partial<DutyForm>) => set({ rules: replaced(rules, at, part) });
  const columns = ["name", "unit", "categories", "grids", "roads", "assets", "owners"] as const;
  return (
    <>
      <p>{t("case.rules.dutyHint")}</p>
      <div class="rules-scroll">
        <table class="plain rules-table" hidden={rules.length === 0}>
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {t(`case.rules.col.${name}`)}
                </th>
              ))}
              <th>
                <span class="visually-hidden">{t("case.rules.remove")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map((row, at) => (
              <tr key={at}>
                {columns.map((name) => (
                  <Cell key={name} label={t(`case.rules.col.${name}`)} value={row[name]} onInput={(value) => change(at)({ [name]: value })} />
                ))}
                <Remove onClick={() => set({ rules: without(rules, at) })} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" class="button" onClick={() => set({ rules: [...rules, NEW_RULE] })}>
        {t("case.rules.addRule")}
      </button>
      <h3>{t("case.rules.units")}</h3>
      <p>{t("case.rules.unitsHint")}</p>
      <table class="plain rules-table" hidden={units.length === 0}>
        <thead>
          <tr>
            <th scope="col">{t("case.rules.col.code")}</th>
            <th scope="col">{t("case.rules.col.unit")}</th>
            <th>
              <span class="visually-hidden">{t("case.rules.remove")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {units.map((row, at) => (
            <tr key={at}>
              <Cell label={t("case.rules.col.code")} value={row.code} onInput={(code) => set({ units: replaced(units, at, { code }) })} />
              <Cell label={t("case.rules.col.unit")} value={row.unit} onInput={(unit) => set({ units: replaced(units, at, { unit }) })} />
              <Remove onClick={() => set({ units: without(units, at) })} />
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" class="button" onClick={() => set({ units: [...units, { code: "", unit: "" }] })}>
        {t("case.rules.addUnit")}
      </button>
    </>
  );
}

function WorkHours({ form, set }: { form: RulesForm; set: (part: Partial<RulesForm>) => void }) {
  const { t } = useDispatch().state;
  const text = (name: "holidays" | "workdays" | "zone" | "maxReturns" | "maxExtensions") => (
    <label class="field">
      <span>{t(`case.rules.${name}`)}</span>
      <input type="text" value={form[name]} onInput={(event) => set({ [name]: event.currentTarget.value })} />
    </label>
  );
  return (
    <>
      <p>{t("case.rules.hoursHint")}</p>
      <div class="rules-days">
        {DAYS.map((day: Day) => (
          <label key={day} class="field">
            <span>{t(`case.day.${day}`)}</span>
            <input type="text" value={form.hours[day]} onInput={(event) => set({ hours: { ...form.hours, [day]: event.currentTarget.value } })} />
          </label>
        ))}
      </div>
      {text("holidays")}
      {text("workdays")}
      {text("zone")}
      {text("maxReturns")}
      {text("maxExtensions")}
    </>
  );
}

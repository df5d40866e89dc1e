import { useState } from "preact/hooks";
import type { Staff } from "../api/edits";
import type { Key } from "../i18n";
import type { Json } from "../state/attributes";
import { useApp } from "./context";
import { Icon } from "./icons";

const ROLES = ["worker", "assistant", "building", "police", "supervisor"] as const;
const FIELDS = ["role", "name", "phone", "hours", "deputy"] as const;

/** Who works in a grid: roles, names, phones, hours, deputies. */
export function StaffEditor({ ix }: { ix: number }) {
  const { state, edit } = useApp();
  const { t } = state;
  const [rows, setRows] = useState<Staff[] | null>(null);
  void edit.attributesVersion.value;
  const now = ((edit.book?.grid(ix).staff ?? []) as unknown as Partial<Staff>[]).map(whole);
  const save = (): void => {
    const kept = (rows ?? []).filter((row) => row.name.trim() !== "").map(trimmed);
    setRows(null);
    edit.change("staff", [{ path: `grid/${ix}/staff`, value: kept.length > 0 ? (kept as unknown as Json) : null }]);
  };
  if (!rows)
    return (
      <div class="staff">
        <span class="field-word">{t("field.staff")}</span>
        {now.length === 0 && <span class="muted">{t("staff.none")}</span>}
        <ul>
          {now.map((one, i) => (
            <li key={i}>
              {[one.role, one.name, one.phone, one.hours].filter(Boolean).join(" · ")}
              {one.deputy && <span class="muted"> ({t("staff.deputyOf", { name: one.deputy })})</span>}
            </li>
          ))}
        </ul>
        <button type="button" class="link" onClick={() => setRows(now.length > 0 ? now : [{ ...BLANK, role: t("role.worker") }])}>
          {t(now.length > 0 ? "staff.edit" : "staff.add")}
        </button>
      </div>
    );
  const set = (at: number, field: keyof Staff, text: string): void =>
    setRows(rows.map((row, i) => (i === at ? { ...row, [field]: text } : row)));
  return (
    <fieldset class="staff-form">
      <legend>{t("field.staff")}</legend>
      <datalist id="roles">
        {ROLES.map((role) => (
          <option key={role} value={t(`role.${role}` as Key)} />
        ))}
      </datalist>
      {rows.map((row, i) => (
        <div class="staff-row" key={i}>
          {FIELDS.map((field) => (
            <input
              key={field}
              type={field === "phone" ? "tel" : "text"}
              list={field === "role" ? "roles" : undefined}
              aria-label={t(`staff.${field}` as Key)}
              placeholder={t(`staff.${field}` as Key)}
              value={row[field]}
              onInput={(event) => set(i, field, event.currentTarget.value)}
            />
          ))}
          <button type="button" class="icon-button" aria-label={t("staff.remove")} title={t("staff.remove")} onClick={() => setRows(rows.filter((_, at) => at !== i))}>
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
      <div class="deeds">
        <button type="button" class="button" onClick={() => setRows([...rows, { ...BLANK, role: t("role.assistant") }])}>
          {t("staff.more")}
        </button>
        <span class="space" />
        <button type="button" class="button" onClick={() => setRows(null)}>
          {t("dialog.cancel")}
        </button>
        <button type="button" class="button primary" onClick={save}>
          {t("dialog.save")}
        </button>
      </div>
    </fieldset>
  );
}

const BLANK: Staff = { role: "", name: "", phone: "", hours: "", deputy: "" };
const whole = (one: Partial<Staff>): Staff => ({ ...BLANK, ...one });
const trimmed = (one: Staff): Staff => ({
  role: one.role.trim(),
  name: one.name.trim(),
  phone: one.phone.trim(),
  hours: one.hours.trim(),
  deputy: one.deputy.trim(),
});

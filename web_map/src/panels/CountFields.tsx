import { useState } from "preact/hooks";
import { formatNumber } from "../i18n";
import { type Asking, countOf, HOUSEHOLDS, numberOf, OBJECTIVES } from "../state/asking";
import { useApp } from "./context";

type Objective = (typeof OBJECTIVES)[number];

export interface Count {
  text: string;
  objective: Objective;
  /** How many, or the least and the most of it; null: as many as fit; NaN: cannot be read. */
  wanted: ReturnType<typeof countOf>;
  wrong: boolean;
  set(more: Partial<Pick<Count, "text" | "objective">>): void;
}

export function useCount(): Count {
  const [text, setText] = useState("");
  const [objective, setObjective] = useState<Objective>("plan");
  const wanted = countOf(text);
  return {
    text,
    objective,
    wanted,
    wrong: typeof wanted === "number" && Number.isNaN(wanted),
    set(more) {
      if (more.text !== undefined) setText(more.text);
      if (more.objective) setObjective(more.objective);
    },
  };
}

/** How many grids there are to be, what would fit, and what counts inside the bounds; `sum` is of what is balanced. */
export function CountFields({ count, asking, sum }: { count: Count; asking: Asking; sum: number | null }) {
  const { t } = useApp().state;
  const weight = asking.weight.trim();
  const [min, max] = [numberOf(asking.min) ?? 0, numberOf(asking.max) ?? 0];
  const least = sum !== null && max > 0 ? Math.ceil(sum / max) : 0;
  const most = Math.max(least, sum !== null && min > 0 ? Math.floor(sum / min) : 0);
  return (
    <>
      <label class="field">
        <span>{t("partition.grids")}</span>
        <input
          type="text"
          value={count.text}
          placeholder={t("partition.auto")}
          aria-invalid={count.wrong}
          aria-describedby={count.wrong ? "fault-count" : undefined}
          onInput={(event) => count.set({ text: event.currentTarget.value })}
        />
      </label>
      {count.wrong && (
        <p class="alert field-fault" role="alert" id="fault-count">
          {t("asked.noCount")}
        </p>
      )}
      {sum !== null && !Number.isNaN(min) && !Number.isNaN(max) && (
        <p class="muted field-hint">
          {weight === HOUSEHOLDS
            ? t("partition.hint", { households: sum, least, most })
            : t("asked.hint", { total: formatNumber(sum), weight, least, most })}
        </p>
      )}
      <label class="field">
        <span>{t("asked.objective")}</span>
        <select value={count.objective} onChange={(event) => count.set({ objective: event.currentTarget.value as Objective })}>
          {OBJECTIVES.map((each) => (
            <option key={each} value={each}>
              {t(`asked.objective.${each}`)}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

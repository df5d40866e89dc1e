import { useState } from "preact/hooks";
import { formatNumber } from "../i18n";
import { type Asking, countOf, faultsOf, HOUSEHOLDS, OBJECTIVES, roomFor } from "../state/asking";
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

/** Whether the number asked for, or a range, has nothing in common with what fits. */
function isOutside(wanted: Count["wanted"], [least, most]: [number, number]): boolean {
  if (wanted === null || Number.isNaN(wanted)) return false;
  const [from, to] = typeof wanted === "number" ? [wanted, wanted] : wanted;
  return to < least || from > most;
}

/** How many grids there are to be, what would fit, and what counts inside the bounds; `sum` is of what is balanced. */
export function CountFields({ count, asking, sum }: { count: Count; asking: Asking; sum: number | null }) {
  const { t } = useApp().state;
  const weight = asking.weight.trim();
  const readable = !faultsOf(asking).has("bounds");
  const room = sum === null ? null : roomFor(asking, sum);
  const total = formatNumber(sum ?? 0);
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
      {sum !== null && readable && (
        <p class="muted field-hint">
          {weight === HOUSEHOLDS ? t("partition.hint", { households: sum }) : t("asked.hint", { total, weight })}{" "}
          {room === null ? t("partition.noRoom") : t(room[1] === Infinity ? "partition.roomFrom" : "partition.room", { least: room[0], most: room[1] })}{" "}
          {room !== null && isOutside(count.wanted, room) && <b>{t("partition.outside")}</b>}
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

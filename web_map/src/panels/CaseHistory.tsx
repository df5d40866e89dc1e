import { useRef } from "preact/hooks";
import type { Attachment, CaseDetail, CaseStep } from "../api/cases";
import { formatTime } from "../i18n";
import { stepWords } from "../state/casewords";
import { useDispatch } from "./casecontext";

/** All that happened to a case, the latest first: what, who, when, why, from where. */
export function CaseHistory({ steps }: { steps: readonly CaseStep[] }) {
  const { state } = useDispatch();
  const { t } = state;
  return (
    <div class="case-history">
      <h3>{t("case.history")}</h3>
      <ol>
        {[...steps].reverse().map((step) => (
          <li key={step.number} data-kind={step.kind}>
            <span class="history-line">
              <b>{t(`case.step.${step.kind}`)}</b>
              <time dateTime={step.at}>{formatTime(step.at, state.lang.value)}</time>
            </span>
            <span class="muted">{[step.who || (step.where === "clock" ? t("case.byClock") : t("case.nobody")), step.where === "clock" ? "" : step.where, stepWords(state, step)].filter((part) => part !== "").join(" · ")}</span>
            {step.why && step.where !== "clock" && <q>{step.why}</q>}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Photos and papers of a case; dropping files on the case, or choosing them, adds some. */
export function CaseFiles({ one }: { one: CaseDetail }) {
  const { state, cases } = useDispatch();
  const { t } = state;
  const input = useRef<HTMLInputElement>(null);
  const files = one.attachments ?? [];
  return (
    <div class="case-files">
      <ul>
        {files.map((file) => (
          <li key={file.number}>
            <a href={cases.client.address(file.url)} target="_blank" rel="noopener" title={`${file.name} · ${file.who} · ${formatTime(file.at, state.lang.value)}`}>
              <Thumb file={file} />
            </a>
          </li>
        ))}
      </ul>
      <button type="button" class="link" aria-disabled={cases.busy.value} onClick={() => input.current?.click()}>
        {t("case.attach")}
      </button>
      <input
        ref={input}
        type="file"
        class="visually-hidden"
        multiple
        tabIndex={-1}
        aria-label={t("case.attach")}
        accept="image/jpeg,image/png,image/webp,application/pdf,text/plain"
        onChange={(event) => {
          const chosen = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          if (chosen.length > 0) void cases.attach(chosen);
        }}
      />
    </div>
  );
}

function Thumb({ file }: { file: Attachment }) {
  const { cases } = useDispatch();
  if (file.thumb === null) return <span class="file-name">{file.name}</span>;
  return <img src={cases.client.address(file.thumb)} alt={file.name} loading="lazy" />;
}

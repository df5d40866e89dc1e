import type { Key } from "../i18n";
import { STEPS } from "../state/casesteps";
import { CaseCounts } from "./CaseCounts";
import { CaseRules } from "./CaseRules";
import { useDispatch } from "./casecontext";
import { Dialog } from "./Dialog";

/** The window of this desk that is open, if any: rules, keys, counts. */
export function CaseDialogs() {
  const { cases } = useDispatch();
  const close = (): void => void (cases.dialog.value = null);
  if (cases.dialog.value === "rules") return <CaseRules onClose={close} />;
  if (cases.dialog.value === "counts") return <CaseCounts onClose={close} />;
  if (cases.dialog.value === "keys") return <CaseKeys onClose={close} />;
  return null;
}

const ROUND: [string, Key][] = [
  ["N /", "case.keys.call"],
  ["Enter", "case.keys.pick"],
  ["Ctrl+Enter", "case.makeSend"],
  ["1–9", "case.keys.candidate"],
  ["J I", "case.keys.walk"],
  ["W", "case.keys.send"],
  ["M", "case.keys.sound"],
  ["Esc", "case.keys.escape"],
  ["?", "keys.help"],
];

function CaseKeys({ onClose }: { onClose: () => void }) {
  const { t } = useDispatch().state;
  const group = (title: Key, rows: [string, string][]) => (
    <section>
      <h3>{t(title)}</h3>
      <dl class="keys">
        {rows.map(([key, words]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
  return (
    <Dialog title={t("keys.title")} wide onClose={onClose}>
      <div class="keys-groups">
        {group("case.keys.round", ROUND.map(([key, words]) => [key, t(words)]))}
        {group("case.deeds", STEPS.map(({ kind, key }) => [key, t(`case.step.${kind}`)]))}
      </div>
      <footer>
        <button type="button" class="button primary" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </footer>
    </Dialog>
  );
}

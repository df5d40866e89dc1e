import { CallBox } from "./CaseCallBox";
import { CallCard } from "./CaseCall";
import { CaseCard } from "./CaseCard";
import { CaseList } from "./CaseList";
import { CaseWaiting } from "./CaseWaiting";
import { useDispatch } from "./casecontext";

/** The address names a case that is not there. */
function Unknown() {
  const { t, caseUnknown } = useDispatch().state;
  if (caseUnknown.value === null) return null;
  return (
    <p class="case-unknown alert" role="alert">
      {t("case.unknown", { id: caseUnknown.value })}{" "}
      <button type="button" class="link" onClick={() => (caseUnknown.value = null)}>
        {t("dialog.close")}
      </button>
    </p>
  );
}

/** The panel of the dispatcher's desk: the box of calls, then the call that is being taken, or the cases. */
export function CasePanel() {
  const { call, cases } = useDispatch();
  const taking = call.place.value !== null;
  const chosen = cases.chosen.value !== null;
  return (
    <div class="panel-body cases" id="list" tabIndex={-1}>
      <CallBox />
      <CaseWaiting />
      <Unknown />
      {taking ? (
        <CallCard />
      ) : (
        <>
          <CaseList short={chosen} />
          {chosen && <CaseCard key={cases.chosen.value} />}
        </>
      )}
    </div>
  );
}

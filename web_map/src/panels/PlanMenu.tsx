import { useState } from "preact/hooks";
import { numberingChanges } from "../state/desknumber";
import { useApp } from "./context";
import { Menu } from "./Menu";

/** What can be done with the whole plan; for a plan that holds: a draft of it. */
export function PlanMenu() {
  const { state, desk, plans, commands, edit, compare } = useApp();
  const { t, plan } = state;
  const [busy, setBusy] = useState(false);
  if (!plan.value || state.phase.value !== "ready") return null;
  const { name } = plan.value;
  const branch = async (): Promise<void> => {
    setBusy(true);
    await plans.branch(t("plan.copyName", { name: baseName(name) }));
    setBusy(false);
  };
  if (plan.value.state !== "draft")
    return (
      <>
        <Menu label={t("plan.menu")} icon="more">
          <ul class="menu-list">
            {compare.others.value.length > 0 && <Entry onClick={compare.open}>{t("plan.compare")}</Entry>}
            <Entry onClick={() => void plans.first()}>{t("first.new")} …</Entry>
          </ul>
        </Menu>
        <button type="button" class="button primary edit-draft" aria-disabled={busy} onClick={() => !busy && void branch()}>
          {t("plan.editAsDraft")}
        </button>
      </>
    );
  const ready = edit.phase.value === "ready";
  const number = (): void => {
    if (!edit.live || !edit.book || !edit.ground) return;
    const changes = numberingChanges(edit.live, edit.book, edit.ground.areas);
    if (changes.length === 0) return desk.say("plan.numbered.none");
    edit.change("number", changes);
    desk.say("plan.numbered", { count: changes.length });
  };
  const open = (which: NonNullable<typeof desk.dialog.value>) => () => void (desk.dialog.value = which);
  return (
    <>
      <Menu label={t("plan.menu")} icon="more">
        <ul class="menu-list">
          <Entry onClick={open("rename")}>{t("plan.rename")} …</Entry>
          <Entry onClick={() => void branch()}>{t("plan.branch")}</Entry>
          <Entry onClick={() => void plans.first()}>{t("first.new")} …</Entry>
          <Entry onClick={compare.open}>{t("plan.compare")}</Entry>
          {ready && <Entry onClick={open("partition")}>{t("partition.title")} …</Entry>}
          {ready && <Entry onClick={open("rebalance")}>{t("plan.rebalance")} …</Entry>}
          {ready && plan.value.based_on == null && <Entry onClick={number}>{t("plan.number")}</Entry>}
          {ready && <Entry onClick={() => void commands.lockAll(true)}>{t("plan.lockAll")}</Entry>}
          {ready && <Entry onClick={() => void commands.lockAll(false)}>{t("plan.unlockAll")}</Entry>}
          <Entry onClick={open("delete")}>{t("plan.delete")} …</Entry>
        </ul>
      </Menu>
      {ready && (
        <button type="button" class="button primary" onClick={open("publish")}>
          {t("publish")}
        </button>
      )}
    </>
  );
}

function Entry({ onClick, children }: { onClick: () => void; children: preact.ComponentChildren }) {
  return (
    <li>
      <button type="button" class="menu-entry" onClick={onClick}>
        {children}
      </button>
    </li>
  );
}

// Copies of copies are not called "copy of copy of".
const baseName = (name: string): string => name.replace(/ [·–-] (draft|草案)( \d+)?$/u, "");

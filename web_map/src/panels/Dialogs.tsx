import { useState } from "preact/hooks";
import { useApp } from "./context";
import { Dialog } from "./Dialog";
import { FirstPlanDialog } from "./FirstPlanDialog";
import { PartitionDialog } from "./PartitionDialog";
import { RebalanceDialog } from "./RebalanceDialog";
import { PublishDialog } from "./PublishDialog";
import { Shortcuts } from "./Shortcuts";

/** The window that is open, if any: publishing, partition, rebalance, deleting, renaming, shortcuts. */
export function Dialogs() {
  const { desk } = useApp();
  const close = (): void => void (desk.dialog.value = null);
  switch (desk.dialog.value) {
    case "publish":
      return <PublishDialog onClose={close} />;
    case "first":
      return <FirstPlanDialog onClose={close} />;
    case "partition":
      return <PartitionDialog onClose={close} />;
    case "rebalance":
      return <RebalanceDialog onClose={close} />;
    case "shortcuts":
      return <Shortcuts onClose={close} />;
    case "delete":
      return <DeleteDialog onClose={close} />;
    case "rename":
      return <RenameDialog onClose={close} />;
    default:
      return null;
  }
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const { state, plans } = useApp();
  const { t } = state;
  return (
    <Dialog title={t("plan.delete")} onClose={onClose}>
      <p>{t("plan.delete.text", { name: state.plan.value?.name ?? "" })}</p>
      <footer>
        <button type="button" class="button" onClick={onClose}>
          {t("dialog.cancel")}
        </button>
        <button type="button" class="button danger" onClick={() => (onClose(), void plans.remove())}>
          {t("plan.delete")}
        </button>
      </footer>
    </Dialog>
  );
}

function RenameDialog({ onClose }: { onClose: () => void }) {
  const { state, plans } = useApp();
  const { t } = state;
  const [name, setName] = useState(state.plan.value?.name ?? "");
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (name.trim() !== "" && (await plans.rename(name.trim()))) onClose();
  };
  return (
    <Dialog title={t("plan.rename")} onClose={onClose}>
      <form onSubmit={(event) => void send(event)}>
        <label class="field">
          <span>{t("plan.name")}</span>
          <input type="text" value={name} maxLength={120} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button primary">
            {t("dialog.save")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Opens the camera; what it gives is made small before anybody has it. */

import { useRef, useState } from "preact/hooks";
import { usePhone } from "./context";
import { photoName, shrink } from "./photo";

export function PhotoInput({ label, take }: { label: string; take: (photo: Blob, name: string) => void }) {
  const { t, say } = usePhone();
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const chosen = async (files: FileList | null): Promise<void> => {
    if (!files || files.length === 0) return;
    setBusy(true);
    try {
      for (const file of Array.from(files)) take(await shrink(file), photoName(Date.now()));
    } catch {
      say(t("photo.bad"), "bad");
    } finally {
      setBusy(false);
      // The same photo can be chosen again.
      if (input.current) input.current.value = "";
    }
  };
  return (
    <label class={`big-button photo-button ${busy ? "is-busy" : ""}`}>
      {busy ? t("photo.busy") : label}
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        accept="image/*"
        capture="environment"
        disabled={busy}
        onChange={(event) => void chosen(event.currentTarget.files)}
      />
    </label>
  );
}

/** The page's side of its service worker: kept for offline, newer versions found, sending after the page is closed. */

const LOOK_MS = 30 * 60_000;

interface Syncing {
  sync?: { register(tag: string): Promise<void> };
}

/** Version of this page, as its script's address has it. */
const version = (): string => new URL(import.meta.url).searchParams.get("v") ?? "";

export function watchWorker(newer: () => void, changed: () => void): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ version?: string; sent?: boolean }>) => {
    if (data.version !== undefined && data.version !== version()) newer();
    if (data.sent) changed();
  });
  navigator.serviceWorker
    .register("phone-sw.js", { scope: "phone", updateViaCache: "none" })
    .then((registration) => {
      setInterval(() => void registration.update().catch(() => undefined), LOOK_MS);
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") void registration.update().catch(() => undefined);
      });
    })
    .catch(() => undefined);
}

/** Ask the browser to send what waits when the line is back, even if the page is closed by then. */
export async function sendLater(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const registration = (await navigator.serviceWorker.getRegistration("phone")) as
    | (ServiceWorkerRegistration & Syncing)
    | undefined;
  await registration?.sync?.register("send").catch(() => undefined);
}

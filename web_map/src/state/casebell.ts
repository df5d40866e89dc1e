/** What draws attention away from this page: a sound, the title, the sign of the tab. */

import { effect } from "@preact/signals";
import type { CaseDesk } from "./cases";
import type { State } from "./state";

export interface Bell {
  ring(what: "new" | "late"): void;
  /** Keep title and sign true to what is new and late; until the returned function is called. */
  watch(cases: Pick<CaseDesk, "fresh" | "late">): () => void;
}

/** Tones in Hz, one after the other. */
const TONES = { new: [660, 880], late: [440, 440, 440] } as const;
const TONE_S = 0.14;

export function createBell(state: State): Bell {
  let audio: AudioContext | null = null;
  return {
    ring(what) {
      try {
        audio ??= new AudioContext();
        // A browser that lets no page sound before somebody touched it starts it later.
        void audio.resume();
        const gain = audio.createGain();
        gain.connect(audio.destination);
        gain.gain.value = 0.12;
        const begin = audio.currentTime;
        TONES[what].forEach((tone, i) => {
          const voice = (audio as AudioContext).createOscillator();
          voice.frequency.value = tone;
          voice.connect(gain);
          voice.start(begin + i * TONE_S);
          voice.stop(begin + (i + 0.8) * TONE_S);
        });
      } catch {
        // A machine without sound shows it all the same.
      }
    },
    watch(cases) {
      const stop = effect(() => {
        state.badge.value = cases.fresh.value.size + cases.late.value;
        signTab(state.badge.value);
      });
      return () => {
        stop();
        state.badge.value = 0;
        signTab(0);
      };
    },
  };
}

const SIDE = 32;

/** The sign of the tab with a number in its corner. */
function signTab(count: number): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link) return;
  link.dataset.plain ??= link.href;
  if (count === 0) {
    link.href = link.dataset.plain;
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.fillStyle = "#1f6feb";
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.fillStyle = "#ffffff";
  for (const [x, y, w, h] of [[6, 7, 9, 8], [17, 7, 9, 5], [17, 14, 9, 11], [6, 17, 9, 8]]) pen.fillRect(x, y, w, h); // prettier-ignore
  pen.beginPath();
  pen.arc(22, 10, 10, 0, 2 * Math.PI);
  pen.fillStyle = "#b3261e";
  pen.fill();
  pen.fillStyle = "#ffffff";
  pen.font = "bold 14px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(count > 9 ? "9+" : String(count), 22, 11);
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}

/** The desks of the page, in its address: #plan=3, or #dispatch&plan=3. */

import type { Room } from "./state";

export const roomOf = (hash: string): Room => (new URLSearchParams(hash.slice(1)).has("dispatch") ? "dispatch" : "plan");

export const roomPath = (room: Room, plan: string): string => `#${room === "dispatch" ? "dispatch&" : ""}plan=${encodeURIComponent(plan)}`;

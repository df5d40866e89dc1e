/** Hands the phone's state to its panels. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Phone } from "./state";

export const PhoneContext = createContext<Phone | null>(null);

export function usePhone(): Phone {
  const phone = useContext(PhoneContext);
  if (!phone) throw new Error("no phone around this panel");
  return phone;
}

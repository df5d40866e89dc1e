/** Grid codes as people read them. */

/** Codes of the national template (15 digits) and other long ones show their last three characters. */
export function shortCode(code: string): string {
  return code.length > 8 ? code.slice(-3) : code;
}

const collator = new Intl.Collator("en", { numeric: true });

/** Order of codes: by their text, runs of digits by value. */
export function compareCodes(a: string, b: string): number {
  return collator.compare(a, b);
}

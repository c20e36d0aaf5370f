/** Everything a terminal may act on: C0 but tab and line feed, DEL, C1; CR included, as it can overwrite what was printed. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;

/** Text of strangers made safe to print on a terminal: escape sequences go as a whole, single control characters become U+FFFD. */
export function printable(text: string): string {
  return Bun.stripANSI(text).replace(/\r\n/g, "\n").replace(CONTROLS, "�");
}

/** JSON without a raw control character: what `JSON.stringify` leaves as it is (DEL, C1) is escaped too. */
export function printableJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

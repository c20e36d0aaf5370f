import { visibleText } from "./visible-text.ts";

/** The names people write; others stand as they were written. */
const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", shy: "\u00ad" },
  ...{ copy: "©", reg: "®", trade: "™", deg: "°", plusmn: "±", times: "×", divide: "÷", micro: "µ" },
  ...{ hellip: "…", mdash: "—", ndash: "–", bull: "•", middot: "·", sect: "§", para: "¶" },
  ...{ lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”", laquo: "«", raquo: "»" },
  ...{ larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", ne: "≠", le: "≤", ge: "≥", infin: "∞" },
  ...{ euro: "€", pound: "£", yen: "¥", cent: "¢", check: "✓" },
};

/** Text with its `&lt;`, `&#60;` and `&#x3c;` read. What they hide is made visible as everywhere (PI-03). */
export function withEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return visibleText(NAMED[name] ?? whole);
    const code = Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10);
    const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return visibleText(valid ? String.fromCodePoint(code) : "\ufffd");
  });
}

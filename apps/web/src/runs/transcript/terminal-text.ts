import { visibleText } from "../../parts/visible-text.ts";

/** A stretch of a terminal's output in one look. `look` is a list of class names, empty for plain text. */
export interface TerminalSpan {
  text: string;
  look: string;
}

/** A text that changes its color at every letter is shown plain from here on: each span is an element of the page. */
const SPANS_MAX = 2_000;

const ESC = "\u001b";
/**
 * Sequences that terminals take for commands: colors and cursor (CSI), titles and links (OSC) and the like (DCS, SOS, PM, APC),
 * and short ones. What is cut off at the end belongs to a piece that has not come yet.
 */
const SEQUENCE = new RegExp(
  `${ESC}(?:\\[([0-?]*)[ -/]*([@-~]|$)|[\\]PX^_][^\\u0007${ESC}\\u009c\\n]*(?:\\u0007|${ESC}\\\\|\\u009c)?|[ -/]*(?:[0-Z\\\\\`-~]|$))`,
  "g",
);

/**
 * Reads what a program printed for a terminal. Colors become classes; everything else that a terminal would obey is taken out,
 * links among them, and what is left is text with its hidden characters named.
 */
export function terminalSpans(printed: string): TerminalSpan[] {
  const text = withoutOverwritten(printed);
  const spans: TerminalSpan[] = [];
  const style = new Style();
  let from = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    push(spans, text.slice(from, match.index), style.look());
    from = match.index + match[0].length;
    if (match[2] === "m") style.change(match[1] ?? "");
  }
  push(spans, text.slice(from), style.look());
  return spans;
}

/** The same without any look. */
export function terminalText(printed: string): string {
  return terminalSpans(printed)
    .map(({ text }) => text)
    .join("");
}

function push(spans: TerminalSpan[], raw: string, look: string): void {
  if (raw === "") return;
  const text = visibleText(raw);
  const last = spans.at(-1);
  if (last !== undefined && (last.look === look || spans.length >= SPANS_MAX)) last.text += text;
  else spans.push({ text, look });
}

/** Progress bars write a line over and over: its last state is what a terminal would show. */
function withoutOverwritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.replace(/\r+$/, "").replace(/^.*\r/s, ""))
    .join("\n");
}

/** What `ESC [ … m` sets. Colors are the sixteen of a terminal; others become the nearest of them. */
class Style {
  private readonly on = new Set<string>();
  private front = "";
  private back = "";

  look(): string {
    return [...this.on, this.front, this.back].filter((name) => name !== "").join(" ");
  }

  change(parameters: string): void {
    const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at] ?? 0;
      if (code === 38 || code === 48) {
        const { color, used } = extendedColor(codes.slice(at + 1));
        if (color !== undefined) this.paint(code === 38, color);
        at += used;
      } else this.set(code);
    }
  }

  private set(code: number): void {
    const look = LOOKS[code];
    if (code === 0) {
      this.on.clear();
      this.front = "";
      this.back = "";
    } else if (look !== undefined) this.on.add(look);
    else if (code >= 22 && code <= 29) for (const name of ENDS[code] ?? []) this.on.delete(name);
    else if (code >= 30 && code <= 37) this.paint(true, code - 30);
    else if (code >= 90 && code <= 97) this.paint(true, code - 82);
    else if (code >= 40 && code <= 47) this.paint(false, code - 40);
    else if (code >= 100 && code <= 107) this.paint(false, code - 92);
    else if (code === 39) this.front = "";
    else if (code === 49) this.back = "";
  }

  private paint(front: boolean, color: number): void {
    if (front) this.front = `term-front-${color}`;
    else this.back = `term-back-${color}`;
  }
}

const LOOKS: Readonly<Record<number, string>> = {
  1: "term-bold",
  2: "term-faint",
  3: "term-italic",
  4: "term-underline",
  7: "term-inverse",
  9: "term-struck",
};
const ENDS: Readonly<Record<number, readonly string[]>> = {
  22: ["term-bold", "term-faint"],
  23: ["term-italic"],
  24: ["term-underline"],
  27: ["term-inverse"],
  29: ["term-struck"],
};

/** What follows 38 or 48: `5;n` of 256 colors or `2;r;g;b`. */
function extendedColor(rest: readonly number[]): { color: number | undefined; used: number } {
  const [kind, first = 0, second = 0, third = 0] = rest;
  if (kind === 5) return { color: nearestOf256(first), used: 2 };
  if (kind === 2) return { color: nearest(first, second, third), used: 4 };
  return { color: undefined, used: 0 };
}

function nearestOf256(n: number): number | undefined {
  if (!(n >= 0 && n <= 255)) return undefined;
  if (n < 16) return n;
  if (n >= 232) return nearest(...grey(8 + (n - 232) * 10));
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = n - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function grey(level: number): [number, number, number] {
  return [level, level, level];
}

/** Red, green and blue of the sixteen, as xterm has them. */
const SIXTEEN: readonly (readonly [number, number, number])[] = [
  [0, 0, 0],
  [205, 0, 0],
  [0, 205, 0],
  [205, 205, 0],
  [0, 0, 238],
  [205, 0, 205],
  [0, 205, 205],
  [229, 229, 229],
  [127, 127, 127],
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [92, 92, 255],
  [255, 0, 255],
  [0, 255, 255],
  [255, 255, 255],
];

function nearest(red: number, green: number, blue: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, [r, g, b]] of SIXTEEN.entries()) {
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (distance >= least) continue;
    least = distance;
    best = index;
  }
  return best;
}

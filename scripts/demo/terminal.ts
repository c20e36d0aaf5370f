import { formatDuration } from "@windshift/base/duration.ts";

const colored = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code: string) => (text: string) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);

/** Colors where a person looks at a terminal, plain text elsewhere. */
export const bold = paint("1");
export const dim = paint("2");
export const red = paint("31");
export const green = paint("32");
export const yellow = paint("33");
export const cyan = paint("36");

/** Writes a line for the person at the terminal. */
export function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Writes the name of the next step, with room above it. */
export function heading(text: string): void {
  say(`\n${bold(text)}`);
}

/** Runs one step and says how long it took. */
export async function step<T>(text: string, work: () => Promise<T>): Promise<T> {
  say(`${cyan("▸")} ${text} ...`);
  const startedMs = performance.now();
  const result = await work();
  say(`  ${green("done")} ${dim(`in ${formatDuration(performance.now() - startedMs)}`)}`);
  return result;
}

/** A line of another program, indented and dimmed. */
export function aside(line: string): void {
  say(dim(`  ${line}`));
}

/** Control characters but tab and line feed. */
const CONTROLS = /[^\P{Cc}\t\n]/gu;

/** Text from an agent or a repository: what could move the cursor or change the terminal is taken out. */
export function plain(text: string): string {
  return Bun.stripANSI(text).replace(CONTROLS, "");
}

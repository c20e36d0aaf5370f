import { readFileSync } from "node:fs";

/** The last lines of a text file, indented for a message; a sentence when it cannot be read. */
export function fileTail(file: string, lines = 8): string {
  try {
    const text = readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines);
    return text.map((line) => `  ${line}`).join("\n");
  } catch {
    return `  (nothing was written to ${file})`;
  }
}

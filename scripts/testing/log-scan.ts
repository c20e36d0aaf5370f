import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TOKEN_PREFIX } from "@windshift/contract/token-prefix.ts";
import type { Tally } from "./tally.ts";

/** Characters after the prefix: 32 bytes as base64url. */
const TOKEN_CHARS = 43;
const TOKEN = new RegExp(
  `(?:${Object.values(TOKEN_PREFIX).join("|")})[A-Za-z0-9_-]{${TOKEN_CHARS}}(?![A-Za-z0-9_-])`,
);
/** Text that could be a token in base64 or hex, as in a header `Authorization: Basic`. */
const ENCODED = /[A-Za-z0-9+/_-]{60,}/g;
const HIDDEN = /\bws[a-z]+_\[redacted\]/g;

export interface LogScan {
  files: number;
  lines: number;
  /** Tokens that would have been written, had they not been taken out. */
  hidden: number;
  /** `file:line` of each line that holds a token, never the token itself. */
  found: string[];
}

/**
 * Searches the logs of a test run for tokens. Every token that a program minted has a prefix and a length of its own, so none has to be
 * known to be found.
 */
export async function scanLogs(dir: string): Promise<LogScan> {
  const scan: LogScan = { files: 0, lines: 0, hidden: 0, found: [] };
  for (const file of readdirSync(dir).sort()) {
    scan.files++;
    let at = 0;
    for await (const line of createInterface({ input: createReadStream(join(dir, file)) })) {
      at++;
      scan.lines++;
      scan.hidden += line.match(HIDDEN)?.length ?? 0;
      if (holdsToken(line)) scan.found.push(`${file}:${at}`);
    }
  }
  return scan;
}

/** As it is, percent-encoded, or in base64 or hex, wherever it begins in what was encoded. */
export function holdsToken(text: string): boolean {
  if (TOKEN.test(text) || TOKEN.test(text.replaceAll(/%5F/gi, "_").replaceAll(/%2D/gi, "-"))) return true;
  return (text.match(ENCODED) ?? []).some(
    (run) =>
      [0, 1, 2, 3].some((start) => TOKEN.test(Buffer.from(run.slice(start), "base64").toString("latin1"))) ||
      [0, 1].some((start) => TOKEN.test(Buffer.from(run.slice(start), "hex").toString("latin1"))),
  );
}

/** The scan as one test of the run; as none where no program wrote a log. */
export function scanTally({ files, lines, hidden, found }: LogScan): Tally {
  const none = { passed: 0, failed: 0, skipped: 0, notes: [] };
  if (files === 0) return none;
  if (found.length === 0)
    return {
      ...none,
      passed: 1,
      notes: [`RT-16 no token in ${lines} lines of ${files} logs; ${hidden} were hidden`],
    };
  return {
    ...none,
    failed: 1,
    notes: [`failed: RT-16 no log of the test run holds a token: ${found.slice(0, 20).join(", ")}`],
  };
}

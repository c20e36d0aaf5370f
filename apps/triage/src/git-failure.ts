import type { ExecResult } from "@windshift/base/exec.ts";
import { redact } from "@windshift/base/redact.ts";
import { truncateBytes } from "@windshift/base/truncate.ts";
import type { TriageReply } from "@windshift/contract/triage.ts";
import { basic } from "./token-file.ts";

export type Failed = Extract<TriageReply, { kind: "failed" }>;

/** What git said, as far as a run shows it, bytes. */
const DETAIL_BYTES_MAX = 4_096;

/** An expected failure with its sentence for people. */
export function failed(reason: Failed["reason"], detail: string): Failed {
  return { kind: "failed", reason, detail };
}

/** A failure of git's talk with the server; whether another try may do is told with it. */
export function talkFailed(reason: Failed["reason"], detail: string, result: ExecResult): Failed {
  if (isUnanswered(result)) return { ...failed(reason, detail), unreachable: true };
  return isBusy(result) ? { ...failed(reason, detail), busy: true } : failed(reason, detail);
}

/** The broker answers 502 for the forge behind it and tells the forge's own status in its sentence: both have to pass by waiting. */
function isBusy({ stdout, stderr, timedOut }: ExecResult): boolean {
  const answers = `${stdout}\n${stderr}`.matchAll(/\b(?:HTTP|returned error:) (\d{3})\b/g);
  const statuses = [...answers].map((match) => Number(match[1]));
  return !timedOut && statuses.length > 0 && statuses.every((status) => status === 429 || status >= 500);
}

/** Git tells a broken connection in words only. Whoever got a status, a refusal or a certificate was answered. */
function isUnanswered({ stdout, stderr, timedOut }: ExecResult): boolean {
  const said = `${stdout}\n${stderr}`;
  if (timedOut || /^(?:!|remote: error:)|HTTP \d{3}|returned error: \d{3}|SSL|certificate/m.test(said))
    return false;
  return /unable to access|RPC failed; curl|unexpected disconnect|early EOF|hung up unexpectedly/.test(said);
}

/** What git, or the far end through it, said: its own lines without progress, control characters and the token. */
export function gitComplaint(result: ExecResult, token: string): string {
  if (result.timedOut) return "git was stopped because it took too long";
  const lines = `${result.stdout}\n${result.stderr}`
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}|\p{Cf}/gu, " ").trim())
    .filter(
      (line) => /^(?:remote:|fatal:|error:|!|hint:)/.test(line) && !/^remote: *(?:\w+ \w+: +\d|$)/.test(line),
    );
  const text = lines.length > 0 ? lines.join("\n") : `git ended with ${result.signalCode ?? result.exitCode}`;
  return truncateBytes(redact(text, [token, basic(token)]), DETAIL_BYTES_MAX);
}

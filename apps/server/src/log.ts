import { redact } from "@windshift/base/redact.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import pino from "pino";
import type { Log } from "./http/log.ts";

/** JSON lines, on standard output when nothing else is said; secrets are taken out of every line before it is written. */
export function createLog(
  level: "debug" | "info" | "warn" | "error",
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Log {
  const sink = { write: (line: string) => write(redact(line)) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink);
}

/** The same log, in the shape packages use. */
export function jobLog(log: Log): JobLog {
  const entry = (fields: Record<string, unknown> = {}) => {
    const { error, ...rest } = fields;
    return error === undefined ? rest : { ...rest, err: error };
  };
  return {
    info: (message, fields) => log.info(entry(fields), message),
    warn: (message, fields) => log.warn(entry(fields), message),
    error: (message, fields) => log.error(entry(fields), message),
  };
}

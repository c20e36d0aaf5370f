import { redact } from "@windshift/base/redact.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import pino from "pino";
import type { RunnerSettings } from "./config.ts";

/** JSON lines on standard output; secrets are taken out of every line before it is written. */
export function createLog(level: RunnerSettings["logLevel"]): JobLog {
  const sink = { write: (line: string) => void process.stdout.write(redact(line)) };
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink);
  const entry = ({ error, ...rest }: Record<string, unknown> = {}) =>
    error === undefined ? rest : { ...rest, err: error };
  return {
    info: (message, fields) => log.info(entry(fields), message),
    warn: (message, fields) => log.warn(entry(fields), message),
    error: (message, fields) => log.error(entry(fields), message),
  };
}

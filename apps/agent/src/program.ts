import { buildVersion } from "@windshift/base/build-version.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { errorText } from "@windshift/base/error-text.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import { type AgentConfig, readConfig } from "./config.ts";
import { EventWriter } from "./event-writer.ts";
import { Inbox } from "./inbox.ts";
import { runSession, type SessionParts } from "./session.ts";
import { drainedAtEnd, endingEvents, type SessionEvents } from "./session-events.ts";

/** Time a session has to keep its work and to report after a fault of our own, ms; then the process ends without it. */
const CRASH_MS_MAX = 15_000;
/** The same when nobody reads our lines any more, ms: there is nothing left to do but to end the commands. */
const READER_GONE_MS_MAX = 5_000;
/** Wait for a reader that takes no more lines, once the session is to stop, ms. With 2 s for the tools and 3.5 s for git it keeps the grace of 10 s. */
const LAST_LINES_MS_MAX = 2_000;

/** The whole program: from environment and stdin to the exit code. Ends the process. */
export async function runAgent(): Promise<void> {
  const reading = readConfig(process.env);
  if (reading.kind === "problems") {
    warn(`bad settings: ${reading.problems.join("; ")}`);
    process.exit(AGENT_EXIT.badSettings);
  }
  const inbox = new Inbox(warn);
  const events = endingEvents(new EventWriter(Bun.stdout.writer(), () => onReaderGone(inbox)));
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => inbox.stop({ kind: "signal", name: signal }));
  for (const fault of ["uncaughtException", "unhandledRejection"] as const)
    process.on(fault, (error: unknown) => onFault(error, inbox, events));
  events.emit({ type: "starting", version: buildVersion, model: reading.config.model });
  void inbox.read(Bun.stdin.stream()).catch((error: unknown) => warn(`stdin: ${String(error)}`));
  const parts = { inbox, events, clock: systemClock, env: process.env };
  process.exit(await runToIdle(reading.config, parts));
}

/** One session to its last line: `session_idle` follows however it went. @returns the exit code */
export async function runToIdle(config: AgentConfig, parts: SessionParts): Promise<number> {
  const exitCode = await runSession(config, parts).catch((error: unknown) => fail(error, parts.events));
  await idle(parts);
  return exitCode;
}

/** Our own bug, somewhere: the session stops as by an abort, and tells of it. If it cannot even do that, this does. */
function onFault(error: unknown, inbox: Inbox, events: SessionEvents): void {
  warn(`fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  inbox.stop({ kind: "crash", error });
  setTimeout(() => {
    const exitCode = fail(error, events);
    void idle({ inbox, events }).then(() => process.exit(exitCode));
  }, CRASH_MS_MAX);
}

function onReaderGone(inbox: Inbox): void {
  inbox.stop({ kind: "reader_gone" });
  setTimeout(() => process.exit(AGENT_EXIT.failed), READER_GONE_MS_MAX);
}

function fail(error: unknown, events: SessionEvents): number {
  const message = errorText(error);
  events.emit({ type: "error", message, code: "internal" });
  return AGENT_EXIT.failed;
}

function idle({ inbox, events }: Pick<SessionParts, "inbox" | "events">): Promise<void> {
  events.emit({ type: "session_idle" });
  return drainedAtEnd(events, inbox.stopping, LAST_LINES_MS_MAX);
}

function warn(text: string): void {
  process.stderr.write(`windshift-agent: ${text.replace(/\s+/g, " ")}\n`);
}

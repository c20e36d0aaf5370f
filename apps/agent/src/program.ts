import { buildVersion } from "@windshift/base/build-version.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import { readConfig } from "./config.ts";
import { EventWriter } from "./event-writer.ts";
import { Inbox } from "./inbox.ts";
import { runSession } from "./session.ts";

/** The whole program: from environment and stdin to the exit code. Ends the process. */
export async function runAgent(): Promise<void> {
  const reading = readConfig(process.env);
  if (reading.kind === "problems") {
    warn(`bad settings: ${reading.problems.join("; ")}`);
    process.exit(AGENT_EXIT.badSettings);
  }
  const inbox = new Inbox(warn);
  const events = new EventWriter(Bun.stdout.writer(), () => inbox.stop());
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => inbox.stop());
  events.emit({ type: "starting", version: buildVersion, model: reading.config.model });
  void inbox.read(Bun.stdin.stream()).catch((error: unknown) => warn(`stdin: ${String(error)}`));
  const parts = { inbox, events, clock: systemClock, env: process.env };
  const exitCode = await runSession(reading.config, parts).catch((error: unknown) => {
    events.emit({
      type: "error",
      message: error instanceof Error ? error.message : String(error),
      code: "internal",
    });
    return AGENT_EXIT.failed;
  });
  events.emit({ type: "session_idle" });
  await events.drained();
  process.exit(exitCode);
}

function warn(text: string): void {
  process.stderr.write(`windshift-agent: ${text.replace(/\s+/g, " ")}\n`);
}

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import type { AgentConfig } from "../config.ts";
import { EventWriter } from "../event-writer.ts";
import { Inbox } from "../inbox.ts";
import { runToIdle } from "../program.ts";

/** Waits between tries pass a thousand times as fast. */
const CLOCK = fastClock(1_000);
/** A run that is not over by then hangs, ms: none has a reason to take a second. */
const RUN_MS_MAX = 30_000;

export interface SessionPlace {
  checkout: string;
  home: string;
  /** Where programs are found; ours unless given. With none there is no git, whose start costs more than a whole run. */
  path?: string;
}

export interface SessionRun {
  exitCode: number;
  events: AgentOutput[];
  list<T extends AgentOutput["type"]>(type: T): Extract<AgentOutput, { type: T }>[];
}

/**
 * The program without its process: from the prompt to `session_idle`, in the ways of a real run. Its lines are held to the
 * contract, and its ending to one `finish` or `error` before `session_idle`.
 * @param heard told of each line as it is written
 * @throws Error when a line or the ending breaks the contract, or the run hangs
 */
export async function runSessionOf(
  url: string,
  place: SessionPlace,
  options: Partial<AgentConfig> = {},
  heard: (line: string) => void = () => {},
): Promise<SessionRun> {
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    heard(line);
  };
  const inbox = new Inbox((what) => lines.push(`bad input: ${what}`));
  const sink = { write, flush: () => 0 };
  const over = Promise.withResolvers<void>();
  const read = inbox.read(prompt(over.promise));
  const run = runToIdle(configOf(url, place.checkout, options), {
    inbox,
    events: new EventWriter(sink, () => lines.push("the writer failed")),
    clock: CLOCK,
    env: envOf(place),
  });
  const exitCode = await ended(run, () => lines.slice(-5).join(""));
  over.resolve();
  await read;
  return checked(exitCode, lines);
}

async function* prompt(over: Promise<void>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify({ type: "prompt", message: "do the task" })}\n`);
  await over;
}

function configOf(url: string, workspace: string, options: Partial<AgentConfig>): AgentConfig {
  return {
    baseUrl: url,
    model: "test-model",
    apiKey: "wsrun_test",
    contextSize: 128_000,
    stream: true,
    tries: 3,
    images: false,
    workspace,
    turnsMax: 50,
    ...options,
  };
}

function envOf({ home, path = process.env.PATH ?? "" }: SessionPlace): Record<string, string> {
  mkdirSync(join(home, "tmp"), { recursive: true });
  return { PATH: path, HOME: home, TMPDIR: join(home, "tmp"), AGENT_RUN_ID: "7" };
}

async function ended(run: Promise<number>, last: () => string): Promise<number> {
  const hang = Promise.withResolvers<never>();
  const timer = setTimeout(() => hang.reject(new Error(`the run hangs after ${last()}`)), RUN_MS_MAX);
  try {
    return await Promise.race([run, hang.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function checked(exitCode: number, lines: readonly string[]): SessionRun {
  const events = lines.map((line) => {
    if (Buffer.byteLength(line) > JSONL_LINE_BYTES_MAX)
      throw new Error(`a line of ${line.length} characters`);
    return AgentOutput.parse(JSON.parse(line));
  });
  const endings = events.flatMap(({ type }, at) => (type === "finish" || type === "error" ? [at] : []));
  const idles = events.flatMap(({ type }, at) => (type === "session_idle" ? [at] : []));
  if (endings.length !== 1 || idles.length !== 1 || idles[0] !== events.length - 1)
    throw new Error(`the run ends with ${lines.slice(-4).join("")}`);
  return {
    exitCode,
    events,
    list: (type) =>
      events.filter((event): event is Extract<AgentOutput, { type: typeof type }> => event.type === type),
  };
}

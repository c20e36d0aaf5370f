import type { BenchModel } from "./bench-model.ts";
import type { Harness, HarnessPlace } from "./harness.ts";
import { machineMs } from "./model-messages.ts";
import { watchPeak } from "./peak-memory.ts";

/** What one run of a harness took. */
export interface HarnessRun {
  /** From just before the program is started to the model's first request being there. */
  toFirstRequestMs: number;
  /** From the same moment to the program's end. */
  wallMs: number;
  /** Processor time, user and system, of the program and of all it waited for, the commands included. */
  cpuMs: number;
  /** Bodies of the requests, in order. */
  requestBytes: number[];
}

/** A run of 50 turns takes a second; the slowest peer half a minute. */
const RUN_MS_MAX = 120_000;

/** Runs a task of so many commands, each a turn of its own, and the end. */
export async function timeRun(
  harness: Harness,
  place: HarnessPlace,
  model: BenchModel,
  turns: number,
): Promise<HarnessRun> {
  await playScript(harness, model, turns);
  const startedMs = machineMs();
  const child = start(harness, place);
  const output = outputOf(child);
  await child.exited;
  const wallMs = machineMs() - startedMs;
  const requests = await model.requests();
  const [first] = requests;
  if (child.exitCode !== 0 || first === undefined || requests.length !== turns + 1)
    throw new Error(
      `${harness.name} ended with exit code ${child.exitCode} after ${requests.length} requests, not ${turns + 1}:\n${(await output).slice(-2_000)}`,
    );
  const cpu = child.resourceUsage()?.cpuTime;
  if (cpu === undefined) throw new Error("the processor time of an ended process is not known");
  return {
    toFirstRequestMs: first.atMs - startedMs,
    wallMs,
    cpuMs: Number(cpu.total) / 1_000,
    requestBytes: requests.map(({ bytes }) => bytes),
  };
}

/** The same run, watched; the looks cost time, so nothing else is taken from it. @returns MB (10⁶ bytes) */
export async function peakOfRun(
  harness: Harness,
  place: HarnessPlace,
  model: BenchModel,
  turns: number,
): Promise<number> {
  await playScript(harness, model, turns);
  const child = start(harness, place);
  const output = outputOf(child);
  const peak = await watchPeak(child);
  if ((await child.exited) !== 0) throw new Error(`${harness.name} failed:\n${(await output).slice(-2_000)}`);
  return peak;
}

/** All it printed. Read while it runs, so that it never waits for us; only shown when it fails. */
async function outputOf(child: ReturnType<typeof start>): Promise<string> {
  const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
  return (await Promise.all(texts)).join("");
}

function start(harness: Harness, place: HarnessPlace) {
  const child = Bun.spawn([...harness.argv], {
    cwd: place.checkout,
    env: harness.env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: RUN_MS_MAX,
    killSignal: "SIGKILL",
  });
  child.stdin.write(harness.input);
  if (harness.closesInput) child.stdin.end();
  else child.stdin.flush();
  return child;
}

function playScript(harness: Harness, model: BenchModel, turns: number): Promise<void> {
  const commands = Array.from({ length: turns }, (_, turn) => harness.command(commandLine(turn)));
  return model.play([...commands, harness.end]);
}

/** What a command prints, bytes: with it the floor's requests grow by 1 KB a turn. */
const OUTPUT_BYTES = 740;

/** The command of a turn: another file each time. */
export function commandLine(turn: number): string {
  const file = (turn * 7) % 500;
  return `head -c ${OUTPUT_BYTES} src/part-${Math.floor(file / 50)}/file-${file}.txt`;
}

import type { BenchTurn } from "./model-messages.ts";

/** A program that turns a task and a model into commands. */
export interface Harness {
  name: string;
  argv: readonly string[];
  env: Record<string, string>;
  /** Written to its standard input at once; the input is left open unless `closesInput`. */
  input: string;
  closesInput: boolean;
  /** How the model words a command for its shell tool. */
  command(line: string): BenchTurn;
  /** The model's last turn. */
  end: BenchTurn;
}

/** Where a harness works and whom it asks. */
export interface HarnessPlace {
  /** A git checkout; the harness starts in it. */
  checkout: string;
  /** Empty at first; the same one for all runs. */
  home: string;
  /** Root address of the model, without `/v1`. */
  modelUrl: string;
}

/** The id every harness asks for. */
export const MODEL_ID = "scripted-model";

/** What a person would write. The same for every harness. */
export const TASK =
  "Work item DEMO-1: The export of a project takes minutes when it has many files. Find out where the time goes and make it faster. Keep the format of the export as it is, and add a test that shows the difference.";

/** The environment every harness starts with; nothing of the caller's but PATH. */
export function baseEnv(place: HarnessPlace): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: place.home, TMPDIR: place.home, LANG: "C.UTF-8" };
}

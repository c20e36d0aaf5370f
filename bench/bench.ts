import type { Figure } from "./figure.ts";

/** One benchmark, started by its name. */
export interface Bench {
  name: string;
  /** What it measures, in one line. */
  about: string;
  /** Not part of `all`, because it needs what not every machine has. */
  onlyByName?: true;
  /** Measures and reports each figure as soon as it stands. Leaves nothing running and no file behind. */
  run(report: BenchReport): Promise<void>;
}

export interface BenchReport {
  figure(figure: Figure): void;
  /** A line for the person who waits; never part of the result. */
  progress(line: string): void;
  /** A row of a Markdown table that is printed at the end; rows of the same head stand together. */
  row(head: readonly string[], row: readonly string[]): void;
  /** The largest size that a curve goes to, in its own unit; a curve ends there though it goes further. */
  sizeMax: number;
}

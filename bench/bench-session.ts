import type { Bench } from "./bench.ts";
import { Figure } from "./figure.ts";
import { figureTable } from "./figure-table.ts";

/** Of one benchmark, ms. The longest takes a quarter of an hour; one that hangs shall not take what the others found with it. */
const BENCH_MS_MAX = 40 * 60_000;
const OVERDUE = Symbol("overdue");

export interface BenchSession {
  benches: readonly Bench[];
  sizeMax: number;
  /** Standard output: one JSON object a line. */
  figure(line: string): void;
  /** Standard error: whatever else there is to say. */
  say(line: string): void;
  benchMsMax?: number;
}

/**
 * Runs benchmarks one after the other and then tells all of it once more: the figures as one table, rows of others, how long each took.
 * One that fails is named, and the next is run; behind one that does not end none is, as it would be measured beside it.
 * @returns whether all ran and every bar holds
 */
export async function runBenches(session: BenchSession): Promise<boolean> {
  const { say, benchMsMax = BENCH_MS_MAX } = session;
  const figures: Figure[] = [];
  const tables = new Map<string, string[]>();
  const ends: { name: string; tookMs: number; problem: string | undefined }[] = [];
  for (const bench of session.benches) {
    say(`${bench.name}: ${bench.about}`);
    const startedMs = performance.now();
    const problem = await within(benchMsMax, () =>
      bench.run({
        sizeMax: session.sizeMax,
        figure: (figure) => {
          session.figure(JSON.stringify(Figure.parse(figure)));
          figures.push(figure);
        },
        progress: (line) => say(`  ${line}`),
        row: (head, row) => {
          const lines = tables.get(head.join()) ?? [markdown(head), markdown(head.map(() => "---"))];
          tables.set(head.join(), [...lines, markdown(row)]);
        },
      }),
    );
    ends.push({ name: bench.name, tookMs: performance.now() - startedMs, problem: problem?.text });
    if (problem !== undefined) say(`${bench.name} FAILED: ${problem.text}`);
    if (problem?.isOverdue) break;
  }
  for (const line of ["", ...figureTable(figures)]) say(line);
  for (const lines of tables.values()) for (const line of ["", ...lines]) say(line);
  for (const line of ["", ...endLines(ends, figures)]) say(line);
  const ranAll = ends.length === session.benches.length && ends.every(({ problem }) => problem === undefined);
  return ranAll && figures.every(({ holds }) => holds);
}

/** @returns what went wrong, if anything did */
async function within(
  msMax: number,
  work: () => Promise<void>,
): Promise<{ text: string; isOverdue: boolean } | undefined> {
  const { promise: overdue, resolve } = Promise.withResolvers<typeof OVERDUE>();
  const timer = setTimeout(() => resolve(OVERDUE), msMax);
  try {
    const end = await Promise.race([work(), overdue]);
    if (end !== OVERDUE) return undefined;
    return { text: `it did not end within ${minutes(msMax)}; no other is run beside it`, isOverdue: true };
  } catch (error) {
    return {
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
      isOverdue: false,
    };
  } finally {
    clearTimeout(timer);
  }
}

function endLines(
  ends: readonly { name: string; tookMs: number; problem: string | undefined }[],
  figures: readonly Figure[],
): string[] {
  const lines = ends.map(
    ({ name, tookMs, problem }) =>
      `${name.padEnd(20)} ${minutes(tookMs)}${problem === undefined ? "" : `  FAILED: ${problem.split("\n")[0]}`}`,
  );
  const missed = figures.filter(({ holds }) => !holds).length;
  const total = minutes(ends.reduce((sum, { tookMs }) => sum + tookMs, 0));
  return [...lines, `${"all".padEnd(20)} ${total}, ${figures.length} figures, ${missed} bars missed`];
}

function markdown(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function minutes(ms: number): string {
  return `${(ms / 60_000).toFixed(1)} min`;
}

import { ledgerProblems } from "./ledger.ts";
import type { FaultRecord } from "./record.ts";

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "killed"]);
/**
 * A call that was let in may be on its way while its attempt ends, ms; the reference log has whole seconds. What ought to be
 * refused does not stop within it: stubborn agents ask every quarter of a second, for 20 s.
 */
const ON_ITS_WAY_MS = 4_000;

/** What a record shows that must not be; empty when all invariants held. Source: SECURITY C3. */
export function findViolations(record: FaultRecord): string[] {
  return CHECKS.flatMap((check) => check(record));
}

type Check = (record: FaultRecord) => string[];

const everyRunEnds: Check = ({ assigned, runs }) => [
  ...assigned
    .filter((item) => !runs.some((run) => run.item === item))
    .map((item) => `I1 the assignment of ${item} was answered, and there is no run`),
  ...runs
    .filter(({ status }) => !TERMINAL.has(status))
    .map(({ id, status }) => `I1 run ${id} is ${status} when all is over`),
];

const effectsBelongToTheLiveAttempt: Check = ({ journal }) => {
  const wrong: string[] = [];
  const attempts = new Map<number, number>();
  for (const { id, kind, run, attempt, current, live } of journal) {
    const where = `run ${run}: ${kind} of attempt ${attempt} (entry ${id})`;
    if (kind === "run") {
      if (attempt < (attempts.get(run) ?? 0)) wrong.push(`I2 ${where}: the attempt went back`);
      attempts.set(run, Math.max(attempt, attempts.get(run) ?? 0));
    } else if (kind === "overdraft") continue;
    else if (attempt !== current) wrong.push(`I2 ${where} was taken while attempt ${current} counted`);
    else if (live !== 1) wrong.push(`I2 ${where} was taken although no runner held the run`);
  }
  return wrong;
};

const resultsAreOfOneAttempt: Check = ({ acknowledged }) => {
  const seen = new Map<number, Set<number>>();
  for (const { kind, run, attempt } of acknowledged)
    if (kind === "result") seen.set(run, (seen.get(run) ?? new Set()).add(attempt));
  return [...seen].flatMap(([run, attempts]) =>
    attempts.size > 1 ? [`I2 run ${run}: results of the attempts ${[...attempts].join()} were taken`] : [],
  );
};

const onePullRequest: Check = ({ pulls, runs, commits }) => {
  const wrong = pulls.filter(({ count }) => count > 1).map(({ run }) => `I3 run ${run} has pull requests`);
  for (const { id, status, reason } of runs) {
    const has = pulls.some(({ run }) => run === id);
    const pushed = (commits.find(({ run }) => run === id)?.count ?? 0) > 0;
    if (has && !pushed) wrong.push(`I3 run ${id} has a pull request without a commit`);
    if (status === "succeeded" && reason === "completed" && !has)
      wrong.push(`I3 run ${id} is completed and has no pull request`);
    if (reason === "no_changes") wrong.push(`I3 run ${id} ended without its agent's commit`);
  }
  return wrong;
};

const onlyOwnRefsMove: Check = ({ refs, moves, runs, journal }) => {
  const own = new Set(runs.map(({ id }) => `refs/heads/agent-runs/run-${id}`));
  const wrong = refs
    .filter((ref) => ref !== "refs/heads/main" && !own.has(ref))
    .map((ref) => `I4 there is a ref ${ref}`);
  const mainMoves = moves.filter(({ ref }) => ref === "refs/heads/main").length;
  if (mainMoves !== 1) wrong.push(`I4 main moved ${mainMoves} times`);
  for (const { ref, attempt, atMs } of moves) {
    const run = Number(/run-(\d+)$/.exec(ref)?.[1] ?? 0);
    if (run === 0) continue;
    const ended = endOf(journal, run, attempt);
    if (attempt > 0 && atMs > ended + ON_ITS_WAY_MS)
      wrong.push(`I2 run ${run}: attempt ${attempt} moved its branch ${atMs - ended} ms after its end`);
  }
  return wrong;
};

const transcriptsAreWhole: Check = ({ stories, acknowledged }) => {
  const wrong = stories
    .filter(({ count, distinct, last }) => count !== distinct || count !== last)
    .map(
      ({ run, attempt, count, last }) =>
        `I6 run ${run}: attempt ${attempt} has ${count} events up to number ${last}`,
    );
  for (const { kind, run, attempt, seq } of acknowledged) {
    if (kind !== "events") continue;
    const last = stories.find((one) => one.run === run && one.attempt === attempt)?.last ?? 0;
    if (last < seq)
      wrong.push(`I6 run ${run}: event ${seq} of attempt ${attempt} was acknowledged and is gone`);
  }
  return [...new Set(wrong)];
};

const callsArePaid: Check = ({ ledger, calls, journal }) => [
  ...ledgerProblems(ledger, calls).map((problem) => `I8 ${problem}`),
  ...journal
    .filter(({ kind }) => kind === "overdraft")
    .map(({ run, status }) => `I8 the budget of ${status} ${run} was exceeded`),
];

const noCallsOfTheDead: Check = ({ calls, journal }) =>
  calls.flatMap(({ run, attempt, atMs }) => {
    const ended = endOf(journal, run, attempt);
    if (atMs <= ended + ON_ITS_WAY_MS) return [];
    return [`I9 run ${run}: a model call of attempt ${attempt} ${atMs - ended} ms after its end`];
  });

const nothingIsLeft: Check = ({ leftovers }) => leftovers.map((left) => `I10 ${left}`);

/** Replays the journal: at every entry, what is held is within the caps, and an item has one live run. */
const capsHold: Check = ({ journal, poolMax, capacity, runs }) => {
  const wrong = new Set<string>();
  const held = new Map<number, number | null>();
  for (const { kind, run, live, runner } of journal) {
    if (kind !== "run") continue;
    if (live === 1) held.set(run, runner);
    else held.delete(run);
    if (held.size > poolMax) wrong.add(`I11 ${held.size} runs of a pool for ${poolMax}`);
    for (const one of new Set(held.values())) {
      const count = [...held.values()].filter((other) => other === one).length;
      if (count > capacity) wrong.add(`I11 ${count} runs on runner ${one}, which takes ${capacity}`);
    }
    const items = [...held.keys()].map((id) => runs.find((row) => row.id === id)?.work_item_id);
    if (new Set(items).size < items.length) wrong.add(`I11 two live runs of one item, with run ${run}`);
  }
  return [...wrong];
};

const registrationsAreOne: Check = ({ hosts, registered }) =>
  hosts === registered ? [] : [`I12 ${hosts} hosts registered as ${registered} runners`];

const nobodyDies: Check = ({ deaths }) => deaths.map((death) => `I14 ${death}`);

const CHECKS: readonly Check[] = [
  everyRunEnds,
  effectsBelongToTheLiveAttempt,
  resultsAreOfOneAttempt,
  onePullRequest,
  onlyOwnRefsMove,
  transcriptsAreWhole,
  callsArePaid,
  noCallsOfTheDead,
  nothingIsLeft,
  capsHold,
  registrationsAreOne,
  nobodyDies,
];

/** When an attempt stopped counting: it was let go, or another took its place. Ms; never, when it was not. */
function endOf(journal: FaultRecord["journal"], run: number, attempt: number): number {
  const over = journal.find(
    (entry) =>
      entry.kind === "run" &&
      entry.run === run &&
      (entry.attempt > attempt || (entry.attempt === attempt && entry.live === 0)),
  );
  return over?.at_ms ?? Number.POSITIVE_INFINITY;
}

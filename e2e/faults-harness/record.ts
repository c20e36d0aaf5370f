import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { z } from "zod";
import type { Entry } from "./database-journal.ts";
import type { Acknowledged } from "./exchange.ts";
import { type Ledger, readLedger } from "./ledger.ts";
import type { Stage } from "./stage.ts";

const Numeric = z.coerce.number();
const RunRow = z.object({
  id: Numeric,
  status: z.string(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  attempt: Numeric,
  work_item_id: Numeric,
  item: z.string(),
});
const Story = z.object({
  run: Numeric,
  attempt: Numeric,
  count: Numeric,
  distinct: Numeric,
  last: Numeric,
});
const Pulls = z.object({ run: Numeric, count: Numeric });

/** What others than the programs under test saw of an episode: all that the checker gets. */
export interface FaultRecord {
  /** Items whose assignment was answered with success. */
  assigned: string[];
  runs: z.infer<typeof RunRow>[];
  /** The database's own notes. */
  journal: Entry[];
  /** Events of each attempt as they are stored. */
  stories: z.infer<typeof Story>[];
  /** Pull requests of each run that has some. */
  pulls: z.infer<typeof Pulls>[];
  /** What the server answered, seen on the wire; also answers that were then lost. */
  acknowledged: Acknowledged[];
  /** Every ref of the repository. */
  refs: string[];
  /** Each move of a ref, in order, with the attempts that the commits it brought name. */
  moves: { ref: string; attempt: number; atMs: number }[];
  /** Commits of each run's branch above its base. */
  commits: { run: number; count: number }[];
  /** Requests that reached the model. */
  calls: { run: number; attempt: number; atMs: number }[];
  /** What was written down of calls, set aside for them, and counted on budgets. */
  ledger: Ledger;
  hosts: number;
  registered: number;
  poolMax: number;
  capacity: number;
  /** What was still on the hosts when all was over. */
  leftovers: string[];
  deaths: string[];
}

/**
 * Gathers from database, repository, model and hosts what the checker judges; the stage must have settled.
 * @param assigned keys of the items that were given to the agent
 * @param leftovers what `leftovers` found before hosts ended
 */
export async function takeRecord(
  stage: Stage,
  assigned: readonly string[],
  leftovers: readonly string[],
): Promise<FaultRecord> {
  const { journal, hosts, options, workspace, deaths } = stage;
  const repository = workspace.repository.path;
  const runs = await journal.query(
    "select r.id, r.status, r.reason, r.detail, r.attempt, r.work_item_id, w.key || '-' || i.number as item from runs r join work_items i on i.id = r.work_item_id join workspaces w on w.id = r.workspace_id order by r.id",
    RunRow,
  );
  const refs = (await gitOut(["for-each-ref", "--format=%(refname)"], repository)).split("\n");
  const one = z.object({ count: Numeric });
  const [registered] = await journal.query("select count(*) as count from runners where kind = 'host'", one);
  return {
    assigned: [...assigned],
    runs,
    journal: await journal.entries(),
    stories: await journal.query(
      'select run_id as run, attempt, count(*) as count, count(distinct seq) as "distinct", max(seq) as last from run_events where seq > 0 group by run_id, attempt',
      Story,
    ),
    pulls: await journal.query(
      "select run_id as run, count(*) as count from pull_requests group by run_id",
      Pulls,
    ),
    acknowledged: hosts.flatMap(({ link }) => link.acknowledged),
    refs,
    moves: await readMoves(repository),
    commits: await Promise.all(
      runs.map(async ({ id }) => ({ run: id, count: await countCommits(repository, refs, id) })),
    ),
    calls: readCalls(stage).map(({ run, attempt, atMs }) => {
      // The product's agent does not know its attempt: its calls are held to the run's last one.
      const last = runs.find(({ id }) => id === run)?.attempt;
      return { run, attempt: attempt ?? last ?? 0, atMs };
    }),
    ledger: await readLedger(journal),
    hosts: hosts.length,
    registered: registered?.count ?? 0,
    poolMax: options.poolMax,
    capacity: options.capacity,
    leftovers: [...leftovers],
    deaths: [...deaths],
  };
}

/** Requests that reached the model and name their run, and their attempt where the agent knows it. */
export function readCalls({ model }: Stage): { run: number; attempt: number | undefined; atMs: number }[] {
  return model.requests.flatMap(({ atMs, messages }) => {
    const said = JSON.stringify(messages);
    const [, run, attempt] =
      /"run (\d+) attempt (\d+)"/.exec(said) ?? /agent-runs\/run-(\d+)/.exec(said) ?? [];
    if (run === undefined) return [];
    return [{ run: Number(run), attempt: attempt === undefined ? undefined : Number(attempt), atMs }];
  });
}

async function countCommits(repository: string, refs: readonly string[], run: number): Promise<number> {
  const ref = `refs/heads/agent-runs/run-${run}`;
  if (!refs.includes(ref)) return 0;
  return Number(await gitOut(["rev-list", "--count", `main..${ref}`], repository));
}

/** The reference log of the repository, which git itself writes. */
async function readMoves(repository: string): Promise<FaultRecord["moves"]> {
  const root = join(repository, "logs");
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const moves: FaultRecord["moves"] = [];
  for (const entry of names.filter((found) => found.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const ref = file.slice(root.length + 1);
    for (const line of (await readFile(file, "utf8")).split("\n").filter(Boolean)) {
      const [, to = "", atS = "0"] = /^[0-9a-f]+ ([0-9a-f]+) .*> (\d+) /.exec(line) ?? [];
      const subject = /^0+$/.test(to) ? "" : await gitOut(["log", "-1", "--format=%s", to], repository);
      const attempt = Number(/^run \d+ attempt (\d+)$/.exec(subject)?.[1] ?? 0);
      moves.push({ ref, attempt, atMs: Number(atS) * 1_000 });
    }
  }
  return moves;
}

import { ApiClient } from "@windshift/api-client/api-client.ts";
import { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { findViolations } from "../faults-harness/checker.ts";
import { endingsOf, leftovers, settle } from "../faults-harness/episode.ts";
import { takeRecord } from "../faults-harness/record.ts";
import { AnswerProbe } from "./answer-probe.ts";
import type { ReplicaStage } from "./replica-stage.ts";
import { RunWatchers } from "./run-watchers.ts";

export interface ReplicaEpisodeOptions {
  /** Work items that are assigned at least, one after the other, while it happens; more, as long as it happens. */
  runs: number;
  /** What is done to servers or database meanwhile. */
  act(rig: ReplicaStage, log: (line: string) => void): Promise<void>;
  log(line: string): void;
}

export interface ReplicaEpisodeEnd {
  violations: string[];
  /** Work items that were assigned. */
  runs: number;
  /** Runs by how they ended, such as `succeeded completed`. */
  endings: Record<string, number>;
  attempts: number;
  /** Assignments that were answered with a failure and made again. */
  refused: number;
  /** Streams of watchers that broke. */
  broken: number;
  /** Answers to a reader that never stops, by status. */
  statuses: Record<string, number>;
}

/** Assignments that nobody answers with success are made again up to this often. */
const REFUSED_MAX = 200;
const AGAIN_MS = 200;
/** Once there are enough, the next is assigned when no more than so many wait: a fast machine never runs out of work. */
const WAITING_MAX = 1;
/** Watchers have all when the runs have ended and for so long after, ms. */
const WATCHERS_MS_MAX = 60_000;
const Waiting = z.object({ n: z.coerce.number() });

/** Work for the servers, something that happens to them, and the look at what came of it. The rig is used up afterwards. */
export async function runReplicaEpisode(
  rig: ReplicaStage,
  options: ReplicaEpisodeOptions,
): Promise<ReplicaEpisodeEnd> {
  const { stage } = rig;
  const { log } = options;
  await Promise.all(stage.hosts.map((host) => host.register()));
  const token = await apiToken(stage.api);
  const reader = new ApiClient(stage.api.baseUrl, { kind: "token", token });
  const probe = new AnswerProbe(`${stage.api.baseUrl}/api/v1/workspaces/FAULT/items?limit=1`, token);
  const watchers = new RunWatchers(reader);
  const assigned: string[] = [];
  let happening = true;
  const isWanted = async () =>
    assigned.length < options.runs ? true : happening ? isShortOfWork(rig) : undefined;
  const work = assign(rig, isWanted, assigned, (run) => watchers.watch(run));
  await options.act(rig, log).finally(() => {
    happening = false;
  });
  const refused = await work;
  const problems = await settle(stage);
  const missed = await watchers.missed(WATCHERS_MS_MAX);
  await probe.end();
  const record = await takeRecord(stage, assigned, await leftovers(stage));
  return {
    violations: [...problems, ...findViolations(record), ...missed, ...probe.wrong],
    runs: assigned.length,
    endings: endingsOf(record),
    attempts: record.runs.reduce((sum, { attempt }) => sum + attempt, 0),
    refused,
    broken: watchers.broken,
    statuses: Object.fromEntries(probe.statuses),
  };
}

/** A token of the administrator, which every server takes at any address. */
export async function apiToken(api: ApiClient): Promise<string> {
  const wish = { name: "rig", scopes: ["write"] };
  return (await api.post("/api/v1/tokens", wish, ApiTokenWithSecret)).token;
}

/**
 * @param isWanted whether one more is to be assigned now; undefined when all are
 * @returns assignments that were refused
 */
async function assign(
  { stage }: ReplicaStage,
  isWanted: () => Promise<boolean | undefined>,
  assigned: string[],
  started: (run: number) => void,
): Promise<number> {
  let refused = 0;
  while (refused < REFUSED_MAX) {
    const wanted = await isWanted();
    if (wanted === undefined) break;
    if (!wanted) {
      await Bun.sleep(AGAIN_MS);
      continue;
    }
    const item = { title: `Item ${assigned.length + refused}`, description: "Anything." };
    const made = await stage.workspace.createItem(item, true).catch(() => undefined);
    if (made === undefined) {
      refused++;
      await Bun.sleep(AGAIN_MS);
      continue;
    }
    assigned.push(made.key);
    started(await eventually("its run is there", () => stage.journal.findRun(made.key)));
  }
  return refused;
}

/** False while the database cannot be asked. */
async function isShortOfWork({ stage }: ReplicaStage): Promise<boolean> {
  const waiting = "select count(*) as n from runs where status = 'queued'";
  const rows = await stage.journal.query(waiting, Waiting).catch(() => []);
  return (rows.at(0)?.n ?? Number.POSITIVE_INFINITY) <= WAITING_MAX;
}

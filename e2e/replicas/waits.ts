import { ApiClient } from "@windshift/api-client/api-client.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import type { Act } from "./acts.ts";
import { apiToken } from "./replica-episode.ts";

const MEASURED = 12;
const IDLE_MS_MAX = 120_000;
const CLAIMED_MS_MAX = 30_000;
const Count = z.object({ n: z.coerce.number() });
const Wait = z.object({ ms: z.coerce.number() });

/** How long a run that is queued at one server waits for a host whose claim waits at any of them. */
export const measureWaits: Act = async ({ stage, replicas }, log) => {
  const token = await apiToken(stage.api);
  const clients = replicas.map(({ url }) => new ApiClient(url, { kind: "token", token }));
  const live =
    "select count(*) as n from runs where status not in ('succeeded', 'failed', 'canceled', 'killed')";
  const isIdle = async () => (await stage.journal.query(live, Count))[0]?.n === 0;
  const waits: number[] = [];
  for (let i = 0; i < MEASURED; i++) {
    await eventually("nothing is at work", isIdle, IDLE_MS_MAX);
    const client = clients[i % clients.length] as ApiClient;
    const item = { title: `Wait ${i}`, description: "", assignee_id: stage.workspace.agentId };
    const { key } = await client.post("/api/v1/workspaces/FAULT/items", item, WorkItemDetail);
    const wait = `select a.claimed_at_ms - r.created_at_ms as ms from run_attempts a join runs r on r.id = a.run_id join work_items i on i.id = r.work_item_id where a.attempt = 1 and 'FAULT-' || i.number = '${key}'`;
    const claimed = async () => (await stage.journal.query(wait, Wait))[0];
    waits.push((await eventually("the run is claimed", claimed, CLAIMED_MS_MAX)).ms);
  }
  const sorted = waits.sort((a, b) => a - b);
  log(
    `${MEASURED} runs queued at one server after the other were claimed after ${sorted[MEASURED / 2]} ms in the median, ${sorted.at(-1)} ms at most`,
  );
};

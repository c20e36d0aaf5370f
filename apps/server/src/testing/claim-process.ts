import { PoolId, RunnerId } from "@windshift/contract/ids.ts";
import { ClaimRequest } from "@windshift/contract/runner.ts";
import { z } from "zod";
import { openDatabase } from "../db/database.ts";
import { ClaimDesk } from "../runners/host-claim.ts";
import { newNonce } from "./test-host.ts";

/**
 * A server process, as far as claims of hosts are concerned: `claim-process.ts URL|- SQLITE_FILE PLAN`. Says `ready`, and when it is
 * written a line, each host sends its claims at once. Prints what came as one line of JSON.
 */
export const ClaimPlan = z.object({
  pool: PoolId,
  /** Runners by id, with the start of each that speaks. */
  hosts: z.array(z.object({ id: RunnerId, boot: z.string() })),
  capacity: z.int(),
  /** What the hosts have at this server. */
  labels: z.array(z.string()),
  /** Claims of each host, each sent twice with its key, as by a link that delivers it twice. */
  claims: z.int(),
});
export type ClaimPlan = z.infer<typeof ClaimPlan>;

export const ClaimedRuns = z.array(
  z.object({ host: z.int(), key: z.string(), run: z.int().nullable(), attempt: z.int().nullable() }),
);
export type ClaimedRuns = z.infer<typeof ClaimedRuns>;

const [url, sqliteFile = "", plan = ""] = process.argv.slice(2);
if (import.meta.main) await main(ClaimPlan.parse(JSON.parse(plan)));

async function main({ pool, hosts, capacity, labels, claims }: ClaimPlan): Promise<void> {
  const database = await openDatabase({ url: url === "-" ? undefined : url, sqliteFile });
  const tell = (fields: unknown) => void process.stderr.write(`${JSON.stringify(fields)}\n`);
  const log = { debug: () => {}, info: () => {}, warn: tell, error: tell };
  const readBranch = async (_: number, branch: string) => (branch === "main" ? "a".repeat(40) : null);
  const desk = new ClaimDesk({ database, defaults: { llmModel: undefined }, readBranch, log });
  const claim = async ({ id, boot }: ClaimPlan["hosts"][number], key: string) => {
    const api_url = "http://windshift.test/api";
    const state = { boot, version: "0.1.0", capacity, labels, draining: false };
    const request = { ...state, claim_key: key, api_url, isolation: "container" };
    const host = { id, pool, name: `host ${id}`, instance: `i${id}` };
    const job = await desk.claim(host, ClaimRequest.parse(request), 0, new AbortController().signal);
    return { host: id, key, run: job?.run_id ?? null, attempt: job?.attempt ?? null };
  };
  process.stdout.write("ready\n");
  for await (const _ of Bun.stdin.stream()) break;
  const keys = hosts.flatMap((host) => Array.from({ length: claims }, () => ({ host, key: newNonce() })));
  const came = await Promise.all(keys.flatMap((one) => [one, one]).map(({ host, key }) => claim(host, key)));
  process.stdout.write(`${JSON.stringify(came satisfies ClaimedRuns)}\n`);
  await database.close();
}

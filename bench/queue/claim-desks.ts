import { randomBytes } from "node:crypto";
import { RunnerId } from "@windshift/contract/ids.ts";
import { ClaimRequest } from "@windshift/contract/runner.ts";
import { openDatabase } from "../../apps/server/src/db/database.ts";
import { ClaimDesk } from "../../apps/server/src/runners/host-claim.ts";
import type { Host } from "../../apps/server/src/runners/runner-credential.ts";
import type { QueueRig } from "./queue-rig.ts";

/** Runs that a host takes at once: none is full. */
const CAPACITY = 100;
/** Longer than a claim takes, ms. */
const WAIT_MS = 60_000;
const OID = "a".repeat(40);

/** Servers on one database, as far as claims of hosts are concerned, each with connections of its own, and their hosts. */
export interface ClaimDesks {
  /**
   * Each host claims, and when it has a job claims again, until so many were given.
   * @returns ms for each of them, on the wall
   */
  claim(count: number): Promise<number>;
  close(): Promise<void>;
}

/** The host of the repository answers at once: its time is not ours. */
export async function openDesks(rig: QueueRig, servers: number, hostsEach: number): Promise<ClaimDesks> {
  const databases = await Promise.all(Array.from({ length: servers }, () => openDatabase(rig.address)));
  const desks = databases.map(
    (database) =>
      new ClaimDesk({
        database,
        defaults: { llmModel: undefined },
        readBranch: async (_, branch) => (branch === "main" ? OID : null),
        log: { debug: () => {}, info: () => {}, warn: refuse, error: refuse },
      }),
  );
  const places: { desk: ClaimDesk; host: BenchHost }[] = [];
  for (const desk of desks)
    for (let n = 0; n < hostsEach; n++) places.push({ desk, host: await addHost(rig) });
  const over = new AbortController().signal;
  return {
    claim: async (count) => {
      let left = count;
      const startedMs = performance.now();
      await Promise.all(
        places.map(async ({ desk, host }) => {
          while (left-- > 0) {
            const request = { ...host.request, claim_key: nonce() };
            if ((await desk.claim(host.host, request, WAIT_MS, over)) === null)
              throw new Error("no job came");
          }
        }),
      );
      return (performance.now() - startedMs) / count;
    },
    close: async () => {
      for (const database of databases) await database.close();
    },
  };
}

interface BenchHost {
  host: Host;
  /** But for the key. */
  request: ClaimRequest;
}

async function addHost({ database, pool }: QueueRig): Promise<BenchHost> {
  const row = { pool_id: pool, name: "bench", kind: "host", instance: nonce(), boot: nonce() };
  const { id } = await database.kysely
    .insertInto("runners")
    .values({ ...row, last_seen_at_ms: 0 })
    .returning("id")
    .executeTakeFirstOrThrow();
  const state = { boot: row.boot, version: "0.1.0", capacity: CAPACITY, labels: [] };
  return {
    host: { id: RunnerId.parse(id), pool, name: row.name, instance: row.instance },
    request: ClaimRequest.parse({
      ...state,
      claim_key: nonce(),
      api_url: "http://127.0.0.1:1/api",
      isolation: "container",
    }),
  };
}

function refuse(fields: unknown): never {
  throw new Error(`a claim went wrong: ${JSON.stringify(fields)}`);
}

function nonce(): string {
  return randomBytes(16).toString("hex");
}

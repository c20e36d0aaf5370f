import { expect, test } from "bun:test";
import { createOutboundFetch } from "@windshift/outbound/outbound-fetch.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { openDatabase } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";
import { ForgeClients } from "./forge-clients.ts";
import { runForgeLoop } from "./sync-loop.ts";

const at = useForgeScene(startForgejoServer, "TWO");
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Another server on the same database: its own connections to it, its own clients of forges, its own loop. */
async function startReplica() {
  const database = await openDatabase(at.server.databaseAddress);
  const outbound = createOutboundFetch({ privateHosts: [{ host: "127.0.0.1", port: undefined }] });
  const clients = new ForgeClients({ database, masterKey: at.server.masterKey, outbound });
  const ending = new AbortController();
  const defaults = { llmModel: undefined };
  const ports = { database, defaults, clients, baseUrl: at.server.url };
  const loop = runForgeLoop(ports, quiet, ending.signal);
  return {
    stop: async () => {
      ending.abort();
      await loop;
      await database.close();
    },
  };
}

test(
  "two servers on one database look at each pull request one at a time, and act once on each comment",
  async () => {
    const proposals: Awaited<ReturnType<typeof at.proposed>>[] = [];
    for (let n = 0; n < 3; n++) proposals.push(await at.proposed({ [`two-${n}.txt`]: "x\n" }));
    for (const { pull } of proposals) await at.looked(pull.id);
    const replicas = [await startReplica(), await startReplica()];
    try {
      const reads = () =>
        proposals.map(
          ({ pull }) =>
            at.forge.faults.log.filter(
              ({ method, path }) => method === "GET" && path.endsWith(`/pulls/${pull.number}`),
            ).length,
        );
      const before = reads();
      for (const { pull } of proposals) await at.forge.comment(pull.number, at.forge.people.writer, CALL);
      // Due for all three servers at the same moment.
      const ids = proposals.map(({ pull }) => pull.id);
      const db = at.server.database.kysely;
      await db
        .updateTable("pull_requests")
        // Quiet for long, so that the next look after this one is half an hour away.
        .set({ look_at_ms: 0, synced_at_ms: null, updated_at_ms: 1 })
        .where("id", "in", ids)
        .execute();
      await at.server.database.signals.notify("forges");
      for (const { key, pull } of proposals) {
        await eventually("the comment starts a run", async () => (await at.runsOf(key)).length === 2);
        await eventually("it is said", async () => (await said(pull.number)).length > 0);
        await eventually("nothing is left to be said now", async () => (await told(pull.id)) === "taken");
        await at.looked(pull.id);
      }
      // One look each, by one of the three.
      expect(reads().map((count, n) => count - (before[n] ?? 0))).toEqual([1, 1, 1]);
      for (const { key, pull } of proposals) {
        expect(await at.outcomes(pull.id)).toEqual(["started"]);
        expect(await at.runsOf(key)).toHaveLength(2);
        expect(await said(pull.number)).toHaveLength(1);
      }
    } finally {
      for (const replica of replicas) await replica.stop();
    }
  },
  FORGE_TEST_MS_MAX,
);

const CALL = "@windshift once, please";
const said = async (number: number) =>
  (await at.written(number)).filter(({ login }) => login === at.forge.agent);
const told = async (pull: number) =>
  (
    await at.server.database.kysely
      .selectFrom("forge_comments")
      .select("told")
      .where("pull_request_id", "=", pull)
      .executeTakeFirst()
  )?.told;

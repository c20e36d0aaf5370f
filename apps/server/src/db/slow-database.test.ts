import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { AppError } from "@windshift/contract/app-error.ts";
import { type PoolId, RunnerId } from "@windshift/contract/ids.ts";
import type { HeldAttempt } from "@windshift/contract/job.ts";
import type { BootId } from "@windshift/contract/runner.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { sql } from "kysely";
import { renewHeld } from "../runners/host-attempt.ts";
import type { HostClaimer } from "../runners/host-place.ts";
import { claimGroup } from "../runs/claim-group.ts";
import { triggerRun } from "../runs/run-triggers.ts";
import { fillDatabase } from "../testing/run-fixture.ts";
import type { Database } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";

setDefaultTimeout(60_000);

/** Connections of the pool that everything but leases shares. */
const POOL_MAX = 10;
/** In these tests a statement is given up after so long, ms. */
const STATEMENT_MS = 1_000;

/** With a schema to make on a busy machine. */
const CLAIMS_MS_MAX = 180_000;
/** Hosts that claim together. */
const TOGETHER = 10;
/** Times that a claim asks and waits, from the look at the queue to the commit: a database whose answers take 500 ms makes that many halves of a second. */
const CLAIM_TURNS_MAX = 22;

// SQLite has no connections: `npm test` runs this on PostgreSQL alone.
describe("a database that is slow or silent", () => {
  let fixture: DatabaseFixture;
  let wire: Wire;
  let database: Database;
  beforeAll(async () => {
    fixture = await createDatabase(process.env);
    wire = await Wire.open(fixture.url ?? "");
    database = await openPostgres(wire.url, { statementMs: STATEMENT_MS });
  });
  afterAll(async () => {
    await database?.close();
    wire?.close();
    await fixture?.drop();
  });

  const ask = (db: Database["kysely"]) => sql<{ n: number }>`select 1 as n`.execute(db);

  test("F10 a late transaction whose answer was lost counts as what it was: committed once, or not at all", async () => {
    await sql`create table noted (what text)`.execute(database.kysely);
    const note = (what: string, beforeCommit: () => void) =>
      database
        .lateTransaction(async (tx) => {
          await sql`insert into noted values (${what})`.execute(tx);
          beforeCommit();
          return what;
        })
        .catch((error: AppError) => error.code);
    expect(await note("the answer is lost", () => wire.hold("answers"))).toBe("the answer is lost");
    wire.goOn();
    expect(await note("the commit is lost", () => wire.cut())).toBe("unavailable");
    wire.goOn();
    const { rows } = await sql<{ what: string }>`select what from noted`.execute(database.kysely);
    expect(rows).toEqual([{ what: "the answer is lost" }]);
  });

  test("F11 leases are renewed while all other connections are at work", async () => {
    const release = Promise.withResolvers<void>();
    const begun = Array.from({ length: POOL_MAX }, () => Promise.withResolvers<void>());
    const busy = begun.map(({ resolve }) =>
      database.transaction(async (tx) => {
        await sql`select 1`.execute(tx);
        resolve();
        await release.promise;
      }),
    );
    await Promise.all(begun.map(({ promise }) => promise));
    let isServed = false;
    const waiting = ask(database.kysely).then(() => {
      isServed = true;
    });
    expect((await ask(database.leases)).rows).toEqual([{ n: 1 }]);
    expect(isServed).toBe(false);
    release.resolve();
    await Promise.all([...busy, waiting]);
  });

  test("F10 a statement that nobody answers ends as `unavailable`, and the next connection works", async () => {
    wire.hold();
    const failure = await ask(database.kysely).then(
      () => undefined,
      (error: unknown) => error,
    );
    wire.goOn();
    expect(failure).toBeInstanceOf(AppError);
    expect(failure).toMatchObject({ code: "unavailable", retryAfterS: 2 });
    expect((await ask(database.kysely)).rows).toEqual([{ n: 1 }]);
  });

  test("F10 connections that the database ends, refuses or has too many of are `unavailable`; a mistake of ours is not", async () => {
    const codeOf = (statement: string) =>
      sql
        .raw(statement)
        .execute(database.kysely)
        .then(
          () => "",
          (error: { code: string }) => error.code,
        );
    const raising = (state: string) =>
      codeOf(`do $$ begin raise exception 'x' using errcode = '${state}'; end $$`);
    for (const passing of ["57P01", "57P03", "08006", "53300", "40P01", "25006"])
      expect([passing, await raising(passing)]).toEqual([passing, "unavailable"]);
    expect(await raising("23505")).toBe("23505");
    expect(await codeOf("select nothing")).toBe("42703");
  });

  test(
    "F11 claims of ten hosts ask the database as few times as that of one, and a renewal of leases once",
    async () => {
      // Nobody is given up here: what is counted is asked once, however busy the machine is.
      const patient = await openPostgres(wire.url);
      await migrate(patient);
      const { agent, person, pool, workspaces, createItem } = await fillDatabase(patient, 1);
      const [workspaceId = 0] = workspaces;
      for (let n = 0; n < 1 + TOGETHER; n++) {
        const workItemId = await createItem(workspaceId);
        const asked = {
          workspaceId,
          workItemId,
          agentUserId: agent,
          requestedBy: person,
          trigger: "assignee",
        } as const;
        await patient.transaction((tx) => triggerRun(patient, tx, asked, { llmModel: undefined }, undefined));
      }
      const hosts: HostClaimer[] = [];
      for (let n = 0; n < 1 + TOGETHER; n++) hosts.push(await addHost(patient, pool, n));
      const claim = (claimers: readonly HostClaimer[]) =>
        wire.countTurns(() => claimGroup({ database: patient, onClaimError: () => {} }, pool, claimers));
      const alone = await claim(hosts.slice(0, 1));
      const together = await claim(hosts.slice(1));
      for (const reply of [...alone.result, ...together.result])
        expect(reply).toMatchObject({ status: "fulfilled", value: { kind: "claimed" } });
      // A long statement may go out in two pieces.
      for (const { turns } of [alone, together]) expect(turns).toBeLessThanOrEqual(CLAIM_TURNS_MAX);
      const { from, runner, host } = hosts[0] as HostClaimer;
      const held = await patient.kysely
        .selectFrom("runs")
        .select(["id as run", "attempt"])
        .where("runner_id", "=", runner)
        .execute();
      const beat = { boot: host.boot as BootId, version: "1.0.0", capacity: 1, labels: [], draining: false };
      const renew = () => renewHeld(patient, from, { ...beat, held: held as HeldAttempt[] });
      await renew(); // opens its connections
      const renewed = await wire.countTurns(renew);
      expect(renewed.result.abort).toEqual([]);
      // Three questions that do not wait for each other.
      expect(renewed.turns).toBeLessThanOrEqual(3);
      await patient.close();
    },
    CLAIMS_MS_MAX,
  );

  async function addHost(database: Database, pool: PoolId, n: number): Promise<HostClaimer> {
    const named = { name: `host-${n}`, kind: "host", instance: `host-${n}`, boot: `boot-${n}` };
    const { id } = await database.kysely
      .insertInto("runners")
      .values({ ...named, pool_id: pool, last_seen_at_ms: 0 })
      .returning("id")
      .executeTakeFirstOrThrow();
    const runner = RunnerId.parse(id);
    const from = { id: runner, pool, name: named.name, instance: named.instance };
    const addresses = { containerApiUrl: "http://a.test/api", runnerApiUrl: "http://a.test/api" };
    const host = { boot: named.boot, key: `key-${n}`, capacity: 1, labels: [] };
    return { from, runner, isolation: "container", addresses, host };
  }
});

/** What stands between the client and the database: a wire that can fall silent without being cut. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private readonly ofDatabase = new Set<Socket>();
  private turns = 0;
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static open(target: string): Promise<Wire> {
    const to = new URL(target);
    const server = createServer((near) => {
      const far = connect(Number(to.port), to.hostname);
      wire.ofDatabase.add(far);
      let isAsked = false;
      near.on("data", () => {
        if (!isAsked) wire.turns++;
        isAsked = true;
      });
      far.on("data", () => {
        isAsked = false;
      });
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        wire.sockets.add(from);
        from.on("error", () => into.destroy());
        from.on("close", () => into.destroy());
        from.pipe(into);
      }
    });
    let wire: Wire;
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const url = new URL(target);
        if (typeof address === "object" && address !== null) url.port = String(address.port);
        wire = new Wire(server, url.href);
        resolve(wire);
      }),
    );
  }

  /** How often somebody asked anew after an answer while `work` was done: each is the wire's time there and back. */
  async countTurns<T>(work: () => Promise<T>): Promise<{ result: T; turns: number }> {
    const before = this.turns;
    const result = await work();
    return { result, turns: this.turns - before };
  }

  /** Of the connections that stand. */
  hold(what: "all" | "answers" = "all"): void {
    for (const socket of what === "all" ? this.sockets : this.ofDatabase) socket.pause();
  }
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }
  goOn(): void {
    for (const socket of this.sockets) socket.resume();
  }
  close(): void {
    this.cut();
    this.server.close();
  }
}

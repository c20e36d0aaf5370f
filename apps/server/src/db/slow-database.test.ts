import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { AppError } from "@windshift/contract/app-error.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { sql } from "kysely";
import type { Database } from "./database.ts";
import { openPostgres } from "./postgres.ts";

setDefaultTimeout(60_000);

/** Connections of the pool that everything but leases shares. */
const POOL_MAX = 10;
/** In these tests a statement is given up after so long, ms. */
const STATEMENT_MS = 1_000;

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
});

/** What stands between the client and the database: a wire that can fall silent without being cut. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private readonly ofDatabase = new Set<Socket>();
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static open(target: string): Promise<Wire> {
    const to = new URL(target);
    const server = createServer((near) => {
      const far = connect(Number(to.port), to.hostname);
      wire.ofDatabase.add(far);
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

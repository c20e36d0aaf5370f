import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@windshift/base/clock.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { SEALED_COLUMNS, sealAnew } from "./key-change.ts";
import { runKeyChange } from "./key-change-loop.ts";
import { checkMasterKey } from "./key-check.ts";
import { keyIdOf, type MasterKey, masterKey, open, seal } from "./secret-box.ts";
import {
  forgetPreviousKeyFile,
  previousKeyFile,
  readMasterKey,
  replaceKeyFile,
  secretKeyFile,
} from "./secret-key-file.ts";

/** More than a page of them. */
const CONNECTIONS = 120;
/** Few enough for a hundred changes of keys. */
const KILLED_CONNECTIONS = 10;
const SEEDS = 100;
let fixture: DatabaseFixture;
let database: Database;
let workspace: number;
/** The process that is killed, as one file: a hundred of them are started. */
let program: string;
beforeAll(async () => {
  fixture = await createDatabase(process.env);
  database = await openDatabase({ url: fixture.url, sqliteFile: fixture.sqliteFile });
  await migrate(database);
  const entrypoints = [join(import.meta.dir, "../testing/key-change-process.ts")];
  const built = await Bun.build({ entrypoints, target: "bun", outdir: join(fixture.dataDir, "program") });
  program = built.outputs[0]?.path ?? "";
  const row = { key: "KEYS", name: "Keys", created_at_ms: 0 };
  workspace = (
    await database.kysely.insertInto("workspaces").values(row).returning("id").executeTakeFirstOrThrow()
  ).id;
}, 30_000);
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

const bytesOf = (fill: number) => new Uint8Array(32).fill(fill);
const placeOf = (row: number, column = "secret_sealed") => ({
  table: "connections",
  column,
  row,
  workspaceId: workspace,
});

/** Connections whose secrets are sealed with `key`, in place of those that are there. */
async function fill(key: MasterKey, connections = CONNECTIONS): Promise<number[]> {
  await database.kysely.deleteFrom("connections").execute();
  await database.kysely.deleteFrom("settings").execute();
  await checkMasterKey(database.kysely, key);
  const rows = Array.from({ length: connections }, (_, at) => ({
    workspace_id: workspace,
    kind: "llm",
    provider: "openai_compatible",
    name: `connection ${at}`,
    base_url: "https://models.test",
    created_at_ms: 0,
  }));
  const made = await database.kysely.insertInto("connections").values(rows).returning("id").execute();
  await database.transaction(async (tx) => {
    for (const { id } of made)
      await tx
        .updateTable("connections")
        .set({
          secret_sealed: seal(key, `secret ${id}`, placeOf(id)),
          webhook_secret_sealed: seal(key, `hook ${id}`, placeOf(id, "webhook_secret_sealed")),
        })
        .where("id", "=", id)
        .execute();
  });
  return made.map(({ id }) => id);
}

/** How many of the values were sealed with `key`; every one must open with `opener`. */
async function countSealedWith(key: MasterKey, opener: MasterKey): Promise<number> {
  const rows = await database.kysely.selectFrom("connections").selectAll().execute();
  let count = 0;
  for (const row of rows) {
    expect(open(opener, row.secret_sealed ?? "", placeOf(row.id))).toBe(`secret ${row.id}`);
    expect(open(opener, row.webhook_secret_sealed ?? "", placeOf(row.id, "webhook_secret_sealed"))).toBe(
      `hook ${row.id}`,
    );
    for (const sealed of [row.secret_sealed, row.webhook_secret_sealed])
      count += keyIdOf(sealed ?? "") === key.id ? 1 : 0;
  }
  return count;
}

interface Change {
  /** How many values are changed when it is killed; with `exact` no more than that. */
  row: number;
  exact: boolean;
  /** Lets it begin, and resolves when it is dead. */
  killed(): Promise<void>;
}

/**
 * A process that changes the keys and is killed at a row that the seed chooses: with an even seed by itself between two
 * rows, with an odd one from outside, at whatever it does then.
 */
function startChange(old: MasterKey, fresh: MasterKey, seed: number): Change {
  const row =
    createHash("sha256").update(`row ${seed}`).digest().readUInt32BE() % (2 * KILLED_CONNECTIONS + 1);
  const exact = seed % 2 === 0;
  const child = Bun.spawn(
    [
      process.execPath,
      program,
      ...[fixture.url ?? "-", fixture.sqliteFile],
      ...[Buffer.from(old.bytes).toString("hex"), Buffer.from(fresh.bytes).toString("hex")],
      exact ? String(row) : "-",
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const killed = async () => {
    child.stdin.write("go");
    await child.stdin.end();
    let told = 0;
    if (row === 0) child.kill("SIGKILL");
    for await (const bytes of child.stdout) {
      told += bytes.length;
      if (!exact && told >= row) child.kill("SIGKILL");
    }
    await child.exited;
  };
  return { row, exact, killed };
}

describe("WB-12 a change of the secret key", () => {
  test("seals every value anew; then the former key opens nothing and is not needed", async () => {
    const old = masterKey(bytesOf(1));
    const fresh = masterKey(bytesOf(2));
    await fill(old);
    const ring = { ...fresh, previous: old };
    await checkMasterKey(database.kysely, ring);
    expect(await sealAnew(database, ring)).toBe(2 * CONNECTIONS + 1);
    expect(await countSealedWith(fresh, fresh)).toBe(2 * CONNECTIONS);
    await checkMasterKey(database.kysely, fresh);
    await expect(checkMasterKey(database.kysely, old)).rejects.toThrow("is not the key");
    expect(await sealAnew(database, ring)).toBe(0);
  }, 30_000);

  test("killed at a random row, for 100 seeds, goes on where it was, and both keys open everything until it is through", async () => {
    const values = 2 * KILLED_CONNECTIONS;
    const keys = Array.from({ length: SEEDS + 1 }, (_, n) => masterKey(bytesOf(n + 10)));
    const keyAt = (n: number) => keys[n] ?? masterKey(bytesOf(0));
    await fill(keyAt(0), KILLED_CONNECTIONS);
    let midway = 0;
    let next = startChange(keyAt(0), keyAt(1), 0);
    for (let seed = 0; seed < SEEDS; seed++) {
      const [old, fresh, change] = [keyAt(seed), keyAt(seed + 1), next];
      // Its runtime starts while this one works.
      if (seed + 1 < SEEDS) next = startChange(fresh, keyAt(seed + 2), seed + 1);
      await change.killed();
      const ring = { ...fresh, previous: old };
      await checkMasterKey(database.kysely, ring);
      const changed = await countSealedWith(fresh, ring);
      if (change.exact) expect([seed, changed]).toEqual([seed, Math.min(change.row, values)]);
      else expect(changed).toBeGreaterThanOrEqual(Math.min(change.row, values));
      if (changed > 0 && changed < values) midway++;
      expect(await sealAnew(database, ring)).toBeGreaterThanOrEqual(values - changed);
      expect(await countSealedWith(fresh, fresh)).toBe(values);
      await checkMasterKey(database.kysely, fresh);
    }
    expect(midway).toBeGreaterThan(SEEDS / 4);
  }, 600_000);

  test("its end is known after five quiet minutes, and what another server seals meanwhile is found", async () => {
    using dir = tempDir();
    const none = { key: undefined, previous: undefined };
    const old = await readMasterKey(none, dir.path, async () => true);
    await replaceKeyFile(dir.path);
    const ring = await readMasterKey(none, dir.path, async () => false);
    const [id = 0] = await fill(old, 2);
    const lines: string[] = [];
    const log = {
      debug: () => {},
      info: (_: object, line: string) => void lines.push(line),
      warn: () => {},
      error: () => {},
    };
    const rounds: number[] = [];
    const clock: Clock = {
      nowMs: () => 0,
      sleep: async (ms) => {
        rounds.push(ms);
        expect(existsSync(previousKeyFile(dir.path))).toBe(true);
        // Another server, not yet started anew, which has the former key alone.
        if (rounds.length === 20)
          await database.kysely
            .updateTable("connections")
            .set({ secret_sealed: seal(old, `secret ${id}`, placeOf(id)) })
            .where("id", "=", id)
            .execute();
      },
    };
    await runKeyChange({ database, masterKey: ring }, dir.path, log, new AbortController().signal, clock);
    // One round changed everything, 19 were quiet, one found the late value, 30 were quiet.
    expect([rounds.length, new Set(rounds)]).toEqual([50, new Set([10_000])]);
    expect(lines.at(-1)).toContain("is not needed any more");
    expect(existsSync(previousKeyFile(dir.path))).toBe(false);
    const alone = await readMasterKey(none, dir.path, async () => false);
    expect([alone.id, alone.previous]).toEqual([ring.id, undefined]);
    await checkMasterKey(database.kysely, alone);
    expect(await countSealedWith(alone, alone)).toBe(4);
  }, 30_000);

  test("a value that was changed meanwhile is left as it is", async () => {
    const old = masterKey(bytesOf(1));
    const fresh = masterKey(bytesOf(2));
    const ring = { ...fresh, previous: old };
    const id = (await fill(old))[40] ?? 0;
    let newer: Promise<unknown> | undefined;
    // Its page was read, and its turn has not come.
    await sealAnew(database, ring, () => {
      newer ??= database.kysely
        .updateTable("connections")
        .set({ secret_sealed: seal(fresh, "a newer secret", placeOf(id)) })
        .where("id", "=", id)
        .execute();
    });
    expect(newer).toBeDefined();
    await newer;
    const row = await database.kysely
      .selectFrom("connections")
      .select("secret_sealed")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    expect(open(fresh, row.secret_sealed ?? "", placeOf(id))).toBe("a newer secret");
  }, 30_000);

  test("knows every column that holds sealed values", async () => {
    const tables = await database.kysely.introspection.getTables();
    const sealed = tables.flatMap((table) =>
      table.columns
        .filter((column) => column.name.endsWith("_sealed"))
        .map((column) => `${table.name}.${column.name}`),
    );
    expect(sealed.sort()).toEqual([...SEALED_COLUMNS].sort());
  });
});

describe("the key's files", () => {
  const none = { key: undefined, previous: undefined };

  test("a new key keeps the former one beside it until it is forgotten", async () => {
    using dir = tempDir();
    const first = await readMasterKey(none, dir.path, async () => true);
    const made = await replaceKeyFile(dir.path);
    const ring = await readMasterKey(none, dir.path, async () => false);
    expect([ring.id, ring.previous?.id]).toEqual([made.id, first.id]);
    expect(statSync(secretKeyFile(dir.path)).mode & 0o777).toBe(0o600);
    await expect(replaceKeyFile(dir.path)).rejects.toThrow("start the server once");
    await forgetPreviousKeyFile(dir.path);
    expect((await readMasterKey(none, dir.path, async () => false)).previous).toBeUndefined();
    expect(existsSync(`${secretKeyFile(dir.path)}.next`)).toBe(false);
  });

  test("a key that comes from the setting is not changed by the files", async () => {
    using dir = tempDir();
    await expect(replaceKeyFile(dir.path)).rejects.toThrow("WINDSHIFT_SECRET_KEY_PREVIOUS");
    const hex = (fill: number) => Buffer.from(bytesOf(fill)).toString("hex");
    const ring = await readMasterKey({ key: hex(2), previous: hex(1) }, dir.path, async () => false);
    expect([ring.id, ring.previous?.id]).toEqual([masterKey(bytesOf(2)).id, masterKey(bytesOf(1)).id]);
  });
});

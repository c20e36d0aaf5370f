import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Pool } from "@windshift/contract/api/pool.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { HostFinder } from "./host-finder.ts";
import { HostPace } from "./host-pace.ts";
import { findByCredentials } from "./runner-credential.ts";

const HEARTBEAT = "/api/runner/heartbeat";
/** As many as one statement asks for. */
const GROUP = 500;
/** As many as wait. */
const WAITING = 5_000;

let server: TestServer;
let admin: TestClient;
let pool: Pool;
beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  pool = await createPool(admin, { name: "hosts" });
}, 60_000);
afterAll(() => server?.close());

let now: number;
let statements: number;
let finder: HostFinder;
beforeEach(() => {
  now = 0;
  statements = 0;
  const look = (hashes: readonly string[]) => {
    statements++;
    return findByCredentials(server.database, hashes);
  };
  finder = new HostFinder(look, new HostPace(() => now), () => now);
});

/** @returns the host's id, or the code of the refusal */
function find(credential: string): Promise<number | string> {
  return finder.find(`Bearer ${credential}`, HEARTBEAT).then(
    ({ id }) => id,
    (error: unknown) => (error instanceof AppError ? error.code : Promise.reject(error)),
  );
}

test("RT-14 a flood of made-up credentials costs a statement for hundreds, and none when they come again", async () => {
  const madeUp = Array.from({ length: 3 * GROUP }, () => createToken("runner"));
  const { registered } = await addHost(server, admin, pool);
  const found = await Promise.all([...madeUp, registered.credential].map(find));
  expect(typeof found.pop()).toBe("number");
  expect(new Set(found)).toEqual(new Set(["unauthenticated"]));
  // The first of them alone, at once, then five hundred each.
  expect(statements).toBe(4);
  expect(new Set(await Promise.all(madeUp.map(find)))).toEqual(new Set(["unauthenticated"]));
  expect(statements).toBe(4);
});

test("one that is known is looked up for each request, and refused from the one after its revocation", async () => {
  const { registered } = await addHost(server, admin, pool);
  const id = await find(registered.credential);
  expect(await find(registered.credential)).toBe(id);
  expect(statements).toBe(2);
  await admin.post(`/api/v1/admin/runners/${id}/revoke`);
  expect(await find(registered.credential)).toBe("unauthenticated");
  expect(statements).toBe(3);
  expect(await find(registered.credential)).toBe("unauthenticated");
  expect(statements).toBe(3);
});

test("one that was refused is looked up again after a minute", async () => {
  const credential = createToken("runner");
  for (const [atMs, asked] of [
    [0, 1],
    [59_999, 1],
    [60_000, 2],
  ] as const) {
    now = atMs;
    expect(await find(credential)).toBe("unauthenticated");
    expect(statements).toBe(asked);
  }
});

test("RT-14 a host that is over its pace is refused without a statement", async () => {
  const { registered } = await addHost(server, admin, pool);
  let answers = 0;
  while ((await find(registered.credential)) !== "rate_limited") answers++;
  const asked = statements;
  expect(await find(registered.credential)).toBe("rate_limited");
  expect([statements, answers]).toEqual([asked, 52]);
});

test("a database that does not answer is told to each who asked, and asked again by the next", async () => {
  const { registered } = await addHost(server, admin, pool);
  let broken = true;
  finder = new HostFinder(
    (hashes) =>
      broken
        ? Promise.reject(new AppError("unavailable", "the database cannot be reached"))
        : findByCredentials(server.database, hashes),
    new HostPace(),
  );
  const both = [registered.credential, createToken("runner")].map(find);
  expect(await Promise.all(both)).toEqual(["unavailable", "unavailable"]);
  broken = false;
  expect(typeof (await find(registered.credential))).toBe("number");
});

test("RT-14 a look that hangs is given up, and who comes after it is found", async () => {
  const { registered } = await addHost(server, admin, pool);
  let hang = true;
  finder = new HostFinder(
    (hashes) => {
      if (!hang) return findByCredentials(server.database, hashes);
      hang = false;
      return new Promise(() => undefined);
    },
    new HostPace(),
    undefined,
    200,
  );
  const first = find(createToken("runner"));
  expect(typeof (await find(registered.credential))).toBe("number");
  expect(await first).toBe("unavailable");
});

test("a credential beyond those that wait to be looked up is told why, and found later", async () => {
  const { registered } = await addHost(server, admin, pool);
  const held = Promise.withResolvers<void>();
  finder = new HostFinder(
    async (hashes) => {
      await held.promise;
      return findByCredentials(server.database, hashes);
    },
    new HostPace(),
    undefined,
    60_000,
  );
  // One is being looked up.
  const waiting = Array.from({ length: WAITING + 1 }, () => find(createToken("runner")));
  const beyond = finder.find(`Bearer ${registered.credential}`, HEARTBEAT);
  await expect(beyond).rejects.toThrow("the server is looking up many credentials; try again");
  held.resolve();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["unauthenticated"]));
  expect(typeof (await find(registered.credential))).toBe("number");
});

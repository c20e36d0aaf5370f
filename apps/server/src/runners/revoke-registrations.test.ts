import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Pool } from "@windshift/contract/api/pool.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import type { TestClient } from "../testing/test-client.ts";
import { addHost, createPool, mintToken, newNonce } from "../testing/test-host.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

/** The real program, started; on a loaded machine it takes its time, ms. */
const TEST_MS_MAX = 60_000;

let server: TestServer;
let admin: TestClient;
let pool: Pool;

beforeAll(async () => {
  server = await startTestServer();
  admin = await server.setUp();
  pool = await createPool(admin, { name: "hosts" });
}, TEST_MS_MAX);
afterAll(() => server.close());

async function run(env: Record<string, string>) {
  const child = Bun.spawn([...programCommand("windshift"), "revoke-registrations"], {
    env: { PATH: process.env.PATH ?? "", BASE_URL: "https://windshift.example.test", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exit: await child.exited, out, err };
}

const register = (token: string) =>
  server
    .stranger()
    .post("/api/runner/register", { registration_token: token, name: "host", nonce: newNonce() });

describe("RT-02 windshift revoke-registrations", () => {
  test(
    "makes every token void while the server runs; runners stay, and new tokens work",
    async () => {
      const { url, sqliteFile } = server.databaseAddress;
      const host = await addHost(server, admin, pool);
      const tokens = [await mintToken(admin, pool), await mintToken(admin, pool)];
      const done = await run({
        WINDSHIFT_DATA: dirname(sqliteFile),
        ...(url === undefined ? {} : { DATABASE_URL: url }),
      });
      expect([done.exit, done.err]).toEqual([0, ""]);
      expect(done.out).toContain("2 of them were still open");
      expect(done.out).toContain("https://windshift.example.test/admin/runners");
      for (const { token } of tokens) expect((await register(token)).status).toBe(401);
      expect((await host.heartbeat()).status).toBe(200);
      expect((await register((await mintToken(admin, pool)).token)).status).toBe(200);
    },
    TEST_MS_MAX,
  );

  test(
    "makes no database where there is none, and says which setting to look at",
    async () => {
      const dataDir = join(dirname(server.repositoriesRoot), "nothing-here");
      const refused = await run({ WINDSHIFT_DATA: dataDir });
      expect([refused.exit, refused.out]).toEqual([5, ""]);
      expect(refused.err).toContain(`WINDSHIFT_DATA: there is no database in ${dataDir}`);
      expect(existsSync(dataDir)).toBe(false);
    },
    TEST_MS_MAX,
  );
});

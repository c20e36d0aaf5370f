import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { createDatabase, type DatabaseFixture } from "@windshift/testing/database-fixture.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { sql } from "kysely";
import { containerApiUrl, localhostWarning, readServerSettings, worktreeRootOf } from "../config.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { triageCommand } from "../runners/triage-command.ts";
import { checkMasterKey } from "../secrets/key-check.ts";
import { readMasterKey } from "../secrets/secret-key-file.ts";
import { runDoctor } from "./doctor.ts";

const TEST_MS_MAX = 60_000;
const NETWORK = "windshift-doctor";
const PATH = process.env.PATH ?? "/usr/bin:/bin";
/** An engine that is away answers at once. */
const ELSEWHERE = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };
/** Where nothing listens. */
const CLOSED = "127.0.0.1:1";

let image: string;
let hostAddress: string;
let database: DatabaseFixture;
beforeAll(async () => {
  ({ image } = await dockerFixture());
  ({ hostAddress } = await ensureAgentNetwork(NETWORK, process.env));
  database = await createDatabase(process.env);
}, TEST_MS_MAX);
afterAll(() => database.drop());

/** What doctor says with everything right but for `over`. */
async function diagnose(over: Record<string, string> = {}): Promise<{ healthy: boolean; text: string }> {
  const port = freePort();
  const env: Record<string, string | undefined> = {
    WINDSHIFT_DATA: database.dataDir,
    WINDSHIFT_PORT: String(port),
    DATABASE_URL: database.url,
    CODING_AGENT_RUNNER_IMAGE: image,
    CODING_AGENT_NETWORK: NETWORK,
    CODING_AGENT_WS_API_URL: `http://${hostAddress}:${port}/api`,
    ...over,
  };
  const read = readServerSettings(env);
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const { settings } = read;
  const lines: string[] = [];
  const options = {
    settings,
    worktreeRoot: worktreeRootOf(settings),
    apiUrl: containerApiUrl(settings),
    apiWarning: localhostWarning(settings),
    triage: triageCommand(settings.triageBin, process.execPath, join(import.meta.dir, "..")),
    path: over.PATH ?? PATH,
    env: { ...process.env, ...over },
  };
  const healthy = await runDoctor(options, (line) => lines.push(line));
  return { healthy, text: lines.join("\n") };
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** The failure of one check, and the line after it. */
function failureOf(text: string, name: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`FAIL ${name}: `));
  return lines.slice(at, at + 2).join("\n");
}

describe("windshift doctor", () => {
  test(
    "finds nothing wrong with an installation that is ready, also before its first start",
    async () => {
      const { healthy, text } = await diagnose();
      expect(text).not.toContain("FAIL");
      expect(healthy).toBe(true);
      for (const name of [
        "settings",
        "database",
        "secret key",
        "user ids",
        "limits",
        "network",
        "image",
        "worktree",
        "api",
      ])
        expect(text).toContain(`ok   ${name}: `);
      for (const name of ["windshift-triage", "engine"])
        expect(text).toMatch(new RegExp(`(ok  |warn) ${name}: `));
      // It looks and makes nothing that the first start has to make.
      for (const file of ["secret-key", "windshift.db"])
        expect(existsSync(join(database.dataDir, file))).toBe(false);
    },
    TEST_MS_MAX,
  );

  /** Setting, failing check, words of its answer, and what is then not looked at. */
  const faults: readonly [string, Record<string, string>, string, string[], string[]][] = [
    [
      "no image is set",
      { CODING_AGENT_RUNNER_IMAGE: "" },
      "runner image",
      ["CODING_AGENT_RUNNER_IMAGE is not set", "never start"],
      ["image", "worktree", "api"],
    ],
    [
      "the image is not there and cannot be pulled",
      { CODING_AGENT_RUNNER_IMAGE: `${CLOSED}/no/such-agent:v1` },
      "image",
      [`docker pull ${CLOSED}/no/such-agent:v1`, "CODING_AGENT_RUNNER_IMAGE"],
      ["worktree", "api"],
    ],
    [
      "the network does not exist",
      { CODING_AGENT_NETWORK: "windshift-no-such-network" },
      "network",
      ["docker network create windshift-no-such-network", "CODING_AGENT_NETWORK=bridge"],
      ["worktree", "api"],
    ],
    [
      "the engine is away",
      ELSEWHERE,
      "engine",
      ["cannot be reached", "Start the Docker daemon"],
      ["network", "image", "worktree", "api"],
    ],
    [
      "the engine's program does not exist",
      { CODING_AGENT_DOCKER_BINARY: "/nonexistent/docker" },
      "engine",
      ["CODING_AGENT_DOCKER_BINARY"],
      ["network", "image", "worktree", "api"],
    ],
    [
      "the worktree root is a file",
      { CODING_AGENT_WORKTREE_ROOT: "/dev/null" },
      "worktree root",
      ["/dev/null is not a folder", "CODING_AGENT_WORKTREE_ROOT"],
      ["worktree", "api"],
    ],
    [
      "the data folder cannot be made",
      { WINDSHIFT_DATA: "/dev/null/data", DATABASE_URL: "", ...ELSEWHERE },
      "data folder",
      ["/dev/null/data cannot be made", "WINDSHIFT_DATA"],
      ["database", "secret key", "network", "image", "worktree", "api"],
    ],
    [
      "windshift-triage is not installed",
      { WINDSHIFT_TRIAGE_BIN: "/nonexistent/windshift-triage", ...ELSEWHERE },
      "windshift-triage",
      ["cannot be started", "Install windshift-triage"],
      ["network", "image", "worktree", "api"],
    ],
    [
      "what is named as windshift-triage is another program",
      { WINDSHIFT_TRIAGE_BIN: "false", ...ELSEWHERE },
      "windshift-triage",
      ["exit code 1", "WINDSHIFT_TRIAGE_BIN"],
      ["network", "image", "worktree", "api"],
    ],
    [
      "PostgreSQL does not answer",
      { DATABASE_URL: `postgres://someone:hidden-word@${CLOSED}/windshift`, ...ELSEWHERE },
      "database",
      [`PostgreSQL at ${CLOSED}/windshift cannot be opened`, "DATABASE_URL"],
      ["secret key", "network", "image", "worktree", "api"],
    ],
    [
      "agents would run as processes whose programs are missing",
      { WINDSHIFT_SANDBOX: "unsandboxed", WSRUNNER_ALLOW_UNSANDBOXED: "1", PATH: "/usr/bin:/bin" },
      "agent programs",
      ["windshift-agent", "npm run build"],
      [],
    ],
  ];
  for (const [fault, over, name, answer, left] of faults)
    test(
      `says what to do when ${fault}`,
      async () => {
        const { healthy, text } = await diagnose(over);
        expect(healthy).toBe(false);
        for (const words of answer) expect(failureOf(text, name)).toContain(words);
        const notChecked = text.split("\n").find((line) => line.startsWith("not checked"));
        expect(notChecked?.split(": ").at(-1)?.split(", ") ?? []).toEqual(left);
        expect(text).not.toContain("hidden-word");
      },
      TEST_MS_MAX,
    );

  test(
    "tells an API address that containers do not reach, and warns of localhost",
    async () => {
      const closed = await diagnose({ CODING_AGENT_WS_API_URL: `http://${hostAddress}:1/api` });
      expect(failureOf(closed.text, "api")).toContain("CODING_AGENT_WS_API_URL");
      const local = await diagnose({ CODING_AGENT_WS_API_URL: "http://localhost:1/api" });
      expect(local.text).toContain("warn api address: agents are given http://localhost:1/api");
      expect(failureOf(local.text, "api")).toContain("localhost inside a container is the container itself");
      expect([closed.healthy, local.healthy]).toEqual([false, false]);
    },
    TEST_MS_MAX,
  );
});

describe("windshift doctor on a database in use", () => {
  const open = () => openDatabase({ url: database.url, sqliteFile: database.sqliteFile });
  beforeAll(async () => {
    const used = await open();
    await migrate(used);
    const key = await readMasterKey(
      { key: undefined, previous: undefined },
      database.dataDir,
      async () => true,
    );
    await checkMasterKey(used.kysely, key);
    await used.close();
  });

  test("finds the schema and the key as they should be", async () => {
    const { text } = await diagnose(ELSEWHERE);
    expect(text).toMatch(/^ok {3}database: .* is up to date$/m);
    expect(text).toMatch(/^ok {3}secret key: .*secret-key/m);
  });

  test("warns of a key that others can read", async () => {
    chmodSync(join(database.dataDir, "secret-key"), 0o644);
    expect((await diagnose(ELSEWHERE)).text).toContain("Protect it: chmod 600");
    chmodSync(join(database.dataDir, "secret-key"), 0o600);
  });

  test("fails on a key that is not the database's, and on one that is gone", async () => {
    const other = await diagnose({ ...ELSEWHERE, WINDSHIFT_SECRET_KEY: "ab".repeat(32) });
    expect(failureOf(other.text, "secret key")).toContain("Give the former key back");
    const kept = await Bun.file(join(database.dataDir, "secret-key")).text();
    rmSync(join(database.dataDir, "secret-key"));
    const gone = await diagnose(ELSEWHERE);
    expect(failureOf(gone.text, "secret key")).toContain("Put the former key back");
    await Bun.write(join(database.dataDir, "secret-key"), kept);
    expect([other.healthy, gone.healthy]).toEqual([false, false]);
  });

  test("fails on a database of a later version and changes nothing in it", async () => {
    const used = await open();
    await sql`insert into kysely_migration (name, timestamp) values ('999-later', 'now')`.execute(
      used.kysely,
    );
    const { text } = await diagnose(ELSEWHERE);
    await sql`delete from kysely_migration where name = '999-later'`.execute(used.kysely);
    await used.close();
    expect(failureOf(text, "database")).toContain("later version (999-later)");
    expect(text).toContain("not checked, for they need what failed: secret key, ");
  });
});

test(
  "the command prints every bad setting and exits 2, and exits 1 when a check fails",
  async () => {
    const run = async (env: Record<string, string>) => {
      const child = Bun.spawn([...programCommand("windshift"), "doctor"], {
        env: { PATH, WINDSHIFT_DATA: database.dataDir, ...env },
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { code: await child.exited, out, err };
    };
    const bad = await run({ CODING_AGENT_WORKTREE_ROOT: "relative", CODING_AGENT_CPUS: "many" });
    expect(bad.code).toBe(2);
    for (const name of ["CODING_AGENT_WORKTREE_ROOT", "CODING_AGENT_CPUS"]) expect(bad.err).toContain(name);
    const failing = await run(ELSEWHERE);
    expect(failing.code).toBe(1);
    expect(failing.out).toContain("FAIL engine: ");
  },
  TEST_MS_MAX,
);

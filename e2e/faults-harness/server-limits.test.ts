import { afterEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { Workspace } from "@windshift/contract/api/workspace.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { setUpServer } from "@windshift/testing/workspace-builder.ts";
import { freePort } from "../../scripts/setup/free-port.ts";

/** A server on a machine that is out of something, and has it again later. On SQLite: its database is on the server's own disk. */
const TEST_MS_MAX = 180_000;
const WAIT_MS_MAX = 60_000;
/** Of the data folder, MB: a fresh installation takes a few. */
const DISK_MB = 24;
const FILES_MAX = 256;
/** More than a process with so few files can take. */
const SOCKETS = 400;

let dir: TempDir;
let server: ServerProcess | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.kill();
  server = undefined;
  dir?.remove();
}, TEST_MS_MAX);

/** @param wrapper program and arguments before those of the server */
async function start(wrapper: readonly string[]): Promise<ApiClient> {
  const port = await freePort();
  server = await startServerProcess({
    argv: [...wrapper, ...programCommand("windshift")],
    port,
    logFile: join(dir.path, "server.log"),
    env: {
      ...serverEnv({ dataDir: join(dir.path, "data"), port, containerHost: "127.0.0.1" }),
      WINDSHIFT_HOST: "127.0.0.1",
      CODING_AGENT_RUNNER_IMAGE: "",
      // Set, the server does not start itself again under the same limits.
      BUN_CONFIG_MAX_HTTP_REQUESTS: "1024",
    },
  });
  const api = new ApiClient(server.url);
  const password = "correct horse battery staple";
  await setUpServer(api, { name: "Ada", email: "ada@example.test", password });
  await api.post("/api/v1/workspaces", { key: "LIMIT", name: "Limits" }, Workspace);
  return api;
}

function createItem(api: ApiClient, title: string): Promise<WorkItemDetail> {
  const text = { title, description: title.padEnd(20_000, ".") };
  return api.post("/api/v1/workspaces/LIMIT/items", text, WorkItemDetail);
}

test(
  "F12 a server whose disk is full says so, goes on to be read, loses nothing, and writes again when there is room",
  async () => {
    dir = tempDir();
    const data = join(dir.path, "data");
    const mount = `mkdir -p "$0" && mount -t tmpfs -o size=${DISK_MB}m tmpfs "$0" && exec "$@"`;
    const own = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const api = await start(["unshare", ...own, "--mount", "sh", "-c", mount, data]);
    const first = await createItem(api, "before");
    // The disk as the server sees it.
    const filler = `/proc/${server?.pid}/root${data}/filler`;
    await Bun.spawn(["sh", "-c", `dd if=/dev/zero of="$0" bs=64k 2>/dev/null; true`, filler]).exited;
    const kept = [first.key];
    let refused: unknown;
    for (let n = 0; refused === undefined && n < 2_000; n++)
      await createItem(api, `full ${n}`).then(
        ({ key }) => void kept.push(key),
        (error: unknown) => {
          refused = error;
        },
      );
    expect(refused).toBeInstanceOf(AppError);
    expect([(refused as AppError).code, (refused as AppError).message]).toEqual([
      "unavailable",
      expect.stringContaining("disk"),
    ]);
    for (const key of [kept[0], kept.at(-1)])
      expect((await api.get(`/api/v1/items/${key}`, WorkItemDetail)).key).toBe(key as string);
    expect((await fetch(`${server?.url}/healthz`)).status).toBe(200);

    await Bun.spawn(["rm", filler]).exited;
    const again = await eventually(
      "it writes again",
      () => createItem(api, "after").catch(() => undefined),
      WAIT_MS_MAX,
    );
    for (const key of [...kept, again.key])
      expect((await api.get(`/api/v1/items/${key}`, WorkItemDetail)).key).toBe(key);
  },
  TEST_MS_MAX,
);

test(
  "F41 a server that has no file left for another connection serves again when there are some, and keeps none",
  async () => {
    dir = tempDir();
    const api = await start(["prlimit", `--nofile=${FILES_MAX}:${FILES_MAX}`]);
    await createItem(api, "before");
    const url = new URL(server?.url ?? "");
    for (let n = 0; n < SOCKETS; n++) {
      const socket = connect(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      socket.on("connect", () => socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n"));
      sockets.push(socket);
    }
    await eventually("it has no file left", async () => (await files()) >= FILES_MAX - 8, WAIT_MS_MAX);
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually("it serves again", () => createItem(api, "after").catch(() => undefined), WAIT_MS_MAX);
    await eventually("it has let go of them", async () => (await files()) < FILES_MAX / 2, WAIT_MS_MAX);
  },
  TEST_MS_MAX,
);

/** Open files of the server. */
async function files(): Promise<number> {
  return (await readdir(`/proc/${server?.pid}/fd`)).length;
}

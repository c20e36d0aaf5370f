import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { eventually } from "@windshift/testing/eventually.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";

/** F16: the wire between server and forge is cut at each moment of a run's end. Whatever had arrived, one pull request comes of it. */
const at = useForgeScene(startForgejoServer, "CUT");
const TEST_MS_MAX = 2 * FORGE_TEST_MS_MAX;
const WAIT_MS_MAX = 60_000;
const PUSH = /^POST \S+git-receive-pack /;
const CREATE = /^POST \S+\/pulls /;

let wire: ForgeWire;

beforeAll(async () => {
  wire = await ForgeWire.open(new URL(at.workspace.connection.base_url ?? ""));
  const path = `/api/v1/connections/${at.workspace.connection.id}`;
  const { status } = await at.admin.patch(path, { base_url: wire.url, token: at.forge.tokens.full });
  expect(status).toBe(200);
}, TEST_MS_MAX);
afterAll(() => wire?.close());

const created = () => at.forge.faults.log.filter(({ method, path }) => CREATE.test(`${method} ${path} `));

test(
  "F16 a push that the wire breaks under is made again",
  async () => {
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    wire.cutAt(PUSH, "request");
    await expect(at.workspace.work(job, { "push.txt": "x\n" })).rejects.toThrow();
    expect((await at.newestRun(key)).status).toBe("running");
    wire.heal();
    await at.workspace.work(job, { "push.txt": "x\n" });
    expect(await at.workspace.ended(key)).toMatchObject({
      status: "succeeded",
      pull_request: { state: "open" },
    });
  },
  TEST_MS_MAX,
);

test.each([
  ["before it arrives", "request"],
  ["after it was opened, before anybody heard of it", "answer"],
] as const)(
  "F16 a pull request whose wire breaks %s is there once",
  async (_, when) => {
    const before = created().length;
    const key = await at.workspace.assign();
    const job = await at.claimed(key);
    wire.cutAt(CREATE, when);
    await at.workspace.work(job, { [`${when}.txt`]: "x\n" });
    await eventually("the wire is cut", () => wire.isCut, WAIT_MS_MAX);
    expect(await at.newestRun(key)).toMatchObject({ status: "running", phase: "publishing" });
    wire.heal();
    expect(await at.workspace.ended(key)).toMatchObject({
      status: "succeeded",
      pull_request: { state: "open" },
    });
    expect(created().length - before).toBe(1);
  },
  TEST_MS_MAX,
);

/** Everything between server and forge. Once cut, every connection breaks and new ones do too, until it heals. */
class ForgeWire {
  isCut = false;
  private readonly sockets = new Set<Socket>();
  private awaited: { request: RegExp; when: "request" | "answer" } | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static open(target: URL): Promise<ForgeWire> {
    let wire: ForgeWire;
    const server = createServer((near) => wire.join(near, target));
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const url = new URL(target);
        if (typeof address === "object" && address !== null) url.port = String(address.port);
        wire = new ForgeWire(server, url.href.replace(/\/$/, ""));
        resolve(wire);
      }),
    );
  }

  /** At the next request that begins like this: before the forge has it, or when its answer comes. */
  cutAt(request: RegExp, when: "request" | "answer"): void {
    this.awaited = { request, when };
  }

  heal(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private cut(): void {
    this.isCut = true;
    this.awaited = undefined;
    for (const socket of this.sockets) socket.destroy();
  }

  private join(near: Socket, target: URL): void {
    if (this.isCut) return void near.resetAndDestroy();
    const far = connect(Number(target.port), target.hostname);
    let isDoomed = false;
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
    near.on("data", (chunk) => {
      const isAwaited = this.awaited?.request.test(chunk.toString("latin1")) ?? false;
      if (isAwaited && this.awaited?.when === "request") return this.cut();
      isDoomed ||= isAwaited;
      far.write(chunk);
    });
    far.on("data", (chunk) => (isDoomed ? this.cut() : void near.write(chunk)));
  }
}

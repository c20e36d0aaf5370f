import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Sandbox,
  SandboxContainer,
  SandboxExit,
  SandboxSpec,
  SandboxStreams,
} from "@windshift/execution/sandbox.ts";
import { jobLabels } from "@windshift/execution/sandbox-labels.ts";
import { eventually } from "./eventually.ts";
import { processesWith } from "./process-probe.ts";

/** One implementation under test. */
export interface SandboxUnderTest {
  sandbox: Sandbox;
  /** Image that has `sh`, `setsid`, `head` and `tr`; any text for a sandbox without images. */
  image: string;
  /** A network that exists. */
  network: string;
  /** Owner of the workspace folders, or null when the sandbox runs as this process does. */
  owner: { uid: number; gid: number } | null;
  /** Variables the sandbox may add to those of the spec. */
  ownEnv: readonly string[];
}

/** Output that is far larger than what may be held of it on the way, in pieces. */
const PIECE_BYTES = 4_000_000;
const FLOOD_PIECES = 25;
/** What all buffers between the program and its reader may hold, bytes. */
const HELD_BYTES_MAX = 32 * 1_048_576;
const TEST_MS_MAX = 60_000;

/** What every Sandbox promises. Linux only: it looks for survivors in /proc. */
export function sandboxContract(name: string, make: () => Promise<SandboxUnderTest>): void {
  describe(`sandbox contract: ${name}`, () => {
    const instance = `contract-${randomUUID().slice(0, 8)}`;
    let under: SandboxUnderTest;
    let root: string;
    let made = 0;

    beforeAll(async () => {
      under = await make();
      root = await mkdtemp(join(tmpdir(), "windshift-contract-"));
    }, TEST_MS_MAX);
    afterAll(async () => {
      await under.sandbox.sweep({ "org.windshift.instance": instance }, []);
      await rm(root, { recursive: true, force: true });
    });

    async function workspace(): Promise<string> {
      const dir = await mkdtemp(join(root, "ws-"));
      if (under.owner !== null) await chown(dir, under.owner.uid, under.owner.gid);
      return dir;
    }
    async function specOf(script: string, over: Partial<SandboxSpec> = {}): Promise<SandboxSpec> {
      made++;
      return {
        name: `windshift-${instance}-run-${made}-1-agent`,
        labels: jobLabels(instance, made, 1, "agent"),
        image: under.image,
        command: ["sh", "-c", script],
        env: {},
        workspace: { dir: await workspace(), readOnly: false },
        network: under.network,
        ...over,
      };
    }
    async function create(spec: SandboxSpec): Promise<SandboxContainer> {
      const container = await under.sandbox.create(spec);
      if ("kind" in container) throw new Error(`not started: ${container.detail}`);
      return container;
    }
    async function run(spec: SandboxSpec, input: string[] = []): Promise<Ran> {
      const container = await create(spec);
      const record = recorder(input);
      const exit = await container.run(record.streams, new AbortController().signal);
      return { exit, stdout: record.stdout(), stderr: record.stderr() };
    }
    const check = (fact: string, body: () => Promise<void>) => test(fact, body, TEST_MS_MAX);

    check("a failing command is an exit code", async () => {
      expect((await run(await specOf("exit 7"))).exit).toEqual({ kind: "exited", exitCode: 7 });
    });

    check("what goes in on stdin is read to its end", async () => {
      const ran = await run(await specOf("cat; echo end"), ["one\n", "two\n"]);
      expect(ran.stdout).toBe("one\ntwo\nend\n");
    });

    check("stdout and stderr stay apart", async () => {
      const ran = await run(await specOf("echo out; echo err >&2"));
      expect([ran.stdout, ran.stderr]).toEqual(["out\n", "err\n"]);
    });

    check("the environment is the given one and nothing of this process", async () => {
      process.env.WINDSHIFT_CANARY = "must not be seen";
      const env = { LLM_MODEL: "m 1", ODD: `"quotes" $HOME 'and' = signs` };
      const ran = await run(await specOf("env", { env }));
      delete process.env.WINDSHIFT_CANARY;
      const seen = Object.fromEntries(ran.stdout.trimEnd().split("\n").map(pairOf));
      expect(seen).toMatchObject(env);
      const extra = Object.keys(seen).filter((key) => !(key in env) && !under.ownEnv.includes(key));
      expect(extra).toEqual([]);
    });

    check("the checkout is the working folder and can be written", async () => {
      const spec = await specOf("pwd -P > where && cat where");
      const ran = await run(spec);
      expect(ran.exit).toEqual({ kind: "exited", exitCode: 0 });
      expect(await readFile(join(spec.workspace.dir, "where"), "utf8")).toBe(ran.stdout);
    });

    check("a program that does not exist is exit code 127", async () => {
      const spec = await specOf("", { command: ["no-such-program-here"] });
      expect((await run(spec)).exit).toEqual({ kind: "exited", exitCode: 127 });
    });

    check("a flood to a reader that stands still loses nothing and does not pile up here", async () => {
      const timer = "(for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; touch stood) &";
      const piece = `head -c ${PIECE_BYTES} /dev/zero | tr '\\0' a`;
      const spec = await specOf(
        `${timer} n=0; while [ $n -lt ${FLOOD_PIECES} ]; do ${piece}; n=$((n + 1)); echo $n > written; done`,
      );
      const container = await create(spec);
      const file = (name: string) => join(spec.workspace.dir, name);
      // What the program got rid of and nobody has yet lies in a buffer on the way, ours or another's.
      const written = () =>
        PIECE_BYTES * Number(existsSync(file("written")) ? readFileSync(file("written"), "utf8") : "0");
      let bytes = 0;
      let heldMost = 0;
      const streams: SandboxStreams = {
        stdin: lines([]),
        onStdout: async (chunk) => {
          if (bytes === 0) await eventually("the program stands", () => existsSync(file("stood")), 20_000);
          heldMost = Math.max(heldMost, written() - bytes);
          bytes += chunk.length;
        },
        onStderr: () => undefined,
      };
      const exit = await container.run(streams, new AbortController().signal);
      expect(exit).toEqual({ kind: "exited", exitCode: 0 });
      expect(bytes).toBe(FLOOD_PIECES * PIECE_BYTES);
      expect(written()).toBe(bytes);
      expect(heldMost).toBeLessThan(HELD_BYTES_MAX);
    });

    check("input the program does not read holds nothing up", async () => {
      const container = await create(await specOf("exec 0<&-; echo done"));
      const record = recorder([]);
      const stdin = endless("x".repeat(65_536));
      const exit = await container.run({ ...record.streams, stdin }, new AbortController().signal);
      expect([exit, record.stdout()]).toEqual([{ kind: "exited", exitCode: 0 }, "done\n"]);
    });

    check(
      "SB-20 abort kills the whole tree, also children that left the group and ignore SIGTERM",
      async () => {
        const mark = `mark-${randomUUID()}`;
        const container = await create(await specOf(stubborn(mark, "while :; do sleep 1; done")));
        const abort = new AbortController();
        const record = recorder([]);
        const running = container.run(record.streams, abort.signal);
        await eventually(
          "both processes are up",
          () => record.stdout().includes("up") && processesWith(mark).length >= 2,
          20_000,
        );
        abort.abort();
        expect(await running).toEqual({ kind: "killed" });
        expect(processesWith(mark)).toEqual([]);
      },
    );

    check("when a run has ended nothing it started is alive", async () => {
      const mark = `mark-${randomUUID()}`;
      const ran = await run(await specOf(stubborn(mark, "exit 3")));
      expect(ran.stdout).toContain("up");
      expect(ran.exit).toEqual({ kind: "exited", exitCode: 3 });
      expect(processesWith(mark)).toEqual([]);
    });

    check("a reader that fails ends the run and leaves nothing alive", async () => {
      const mark = `mark-${randomUUID()}`;
      const container = await create(await specOf(stubborn(mark, "while :; do sleep 1; done")));
      const streams: SandboxStreams = {
        stdin: lines([]),
        onStdout: () => Promise.reject(new Error("reader failed")),
        onStderr: () => undefined,
      };
      await expect(container.run(streams, new AbortController().signal)).rejects.toThrow("reader failed");
      expect(processesWith(mark)).toEqual([]);
    });

    check("a run aborted before its start never starts", async () => {
      const spec = await specOf("touch started");
      const container = await create(spec);
      expect(await container.run(recorder([]).streams, AbortSignal.abort())).toEqual({ kind: "killed" });
      expect(existsSync(join(spec.workspace.dir, "started"))).toBe(false);
    });

    check("a container started ahead of its run gets its input and gives its output in the run", async () => {
      const container = await create(await specOf("echo up; cat; exit 5"));
      container.start();
      container.start();
      const record = recorder(["one\n"]);
      const exit = await container.run(record.streams, new AbortController().signal);
      expect([exit, record.stdout()]).toEqual([{ kind: "exited", exitCode: 5 }, "up\none\n"]);
    });

    check("a container started ahead of its run and discarded leaves nothing alive", async () => {
      const mark = `mark-${randomUUID()}`;
      const spec = await specOf(stubborn(mark, "while :; do sleep 1; done"));
      const container = await create(spec);
      container.start();
      await container.discard();
      expect(processesWith(mark)).toEqual([]);
      expect(await under.sandbox.sweep(spec.labels, [])).toEqual([]);
    });

    check("a discarded container never ran and leaves nothing to sweep", async () => {
      const spec = await specOf("touch started");
      const container = await create(spec);
      await container.discard();
      await container.discard();
      expect(existsSync(join(spec.workspace.dir, "started"))).toBe(false);
      expect(await under.sandbox.sweep(spec.labels, [])).toEqual([]);
    });

    check(
      "a sweep ends what is ours and dead, and leaves live attempts and other instances alone",
      async () => {
        const other = `other-${randomUUID().slice(0, 8)}`;
        const dead = await start(create, await specOf("echo up; cat"));
        const live = await start(create, await specOf("echo up; cat"));
        const foreign = await start(
          create,
          await specOf("echo up; cat", { labels: jobLabels(other, 1, 1, "agent") }),
        );
        const keep = [{ run: Number(live.spec.labels["org.windshift.run"]), attempt: 1 }];
        const swept = await under.sandbox.sweep({ "org.windshift.instance": instance }, keep);
        expect(swept).toEqual([dead.spec.name]);
        expect((await dead.ended).kind).not.toBe("not_started");
        for (const survivor of [live, foreign]) {
          survivor.say("still here\n");
          expect(await survivor.ended).toEqual({ kind: "exited", exitCode: 0 });
          expect(survivor.stdout()).toBe("up\nstill here\n");
        }
      },
    );

    check("SB-17 removing a folder takes all of it and follows no link out", async () => {
      const outside = await mkdtemp(join(root, "outside-"));
      await writeFile(join(outside, "kept"), "kept");
      const spec = await specOf("mkdir -p a/b; echo x > a/b/c; chmod 000 a/b a");
      await symlink(outside, join(spec.workspace.dir, "link"));
      await mkdir(join(spec.workspace.dir, "deep"));
      await run(spec);
      await under.sandbox.removeDir(spec.workspace.dir);
      expect(existsSync(spec.workspace.dir)).toBe(false);
      expect(await readFile(join(outside, "kept"), "utf8")).toBe("kept");
    });
  });
}

interface Ran {
  exit: SandboxExit;
  stdout: string;
  stderr: string;
}

/** A program that leaves its parent, its group and its session, ignores SIGTERM and carries `mark` in its arguments. */
function stubborn(mark: string, then: string): string {
  const loop = `: ${mark}; trap "" TERM HUP INT; while :; do sleep 0.05; done`;
  return `trap "" TERM; (setsid sh -c '${loop}' & setsid sh -c '${loop}' &) ; echo up; ${then}`;
}

function recorder(input: string[]) {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const streams: SandboxStreams = {
    stdin: lines(input),
    onStdout: (chunk) => void out.push(chunk.slice()),
    onStderr: (chunk) => void err.push(chunk.slice()),
  };
  const text = (chunks: Uint8Array[]) => Buffer.concat(chunks).toString("utf8");
  return { streams, stdout: () => text(out), stderr: () => text(err) };
}

async function start(create: (spec: SandboxSpec) => Promise<SandboxContainer>, spec: SandboxSpec) {
  const container = await create(spec);
  const record = recorder([]);
  const said = Promise.withResolvers<string>();
  const stdin = (async function* () {
    yield await said.promise;
  })();
  const ended = container.run({ ...record.streams, stdin }, new AbortController().signal);
  await eventually("the program is up", () => record.stdout().includes("up"), 20_000);
  return { spec, ended, say: (text: string) => said.resolve(text), stdout: record.stdout };
}

async function* lines(input: string[]): AsyncGenerator<string> {
  yield* input;
}

async function* endless(text: string): AsyncGenerator<string> {
  for (;;) yield text;
}

function pairOf(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

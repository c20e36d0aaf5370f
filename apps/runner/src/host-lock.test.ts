import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { lockHost } from "./host-lock.ts";
import { credentialOf, type SeenRequest, seenRequest, startRunnerProgram } from "./runner-program.fixture.ts";

/** The real program, started several times; on a loaded machine it takes its time, ms. */
const TEST_MS_MAX = 60_000;
const PATH = process.env.PATH ?? "";

test(
  "F48 a second runner with one cache root ends with a sentence before it asks anything, and the next starts when the first was killed",
  async () => {
    using dir = tempDir();
    const root = join(dir.path, "cache");
    await Bun.write(join(root, "instance"), "0123456789ab\n");
    const seen: SeenRequest[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        seen.push(await seenRequest(request));
        return Response.json({ job: null });
      },
    });
    const bootsOf = () => new Set(seen.map(({ body }) => body.boot));
    const start = () =>
      startRunnerProgram({
        root,
        apiUrl: `http://127.0.0.1:${server.port}/api`,
        env: { WSRUNNER_ALLOW_INSECURE: "1", WSRUNNER_CREDENTIAL: credentialOf("l") },
      });
    try {
      const first = start();
      await eventually("the first is at work", () => seen.length > 0, TEST_MS_MAX);
      const second = await start().ended();
      expect(second.exit).toBe(2);
      expect(second.said).toContain(
        `another windshift-runner (process ${first.child.pid}) is at work with ${root}`,
      );
      expect(bootsOf().size).toBe(1);
      expect(first.child.exitCode).toBeNull();
      first.child.kill("SIGKILL");
      await first.child.exited;
      const third = start();
      await eventually("the third is at work", () => bootsOf().size === 2, TEST_MS_MAX);
      third.child.kill("SIGTERM");
      expect((await third.ended()).exit).toBe(0);
    } finally {
      await server.stop(true);
    }
  },
  TEST_MS_MAX,
);

test(
  "F48 a second runner with a cache root of its own and the first one's credential file ends before it asks anything",
  async () => {
    using dir = tempDir();
    const file = join(dir.path, "kept", "credential");
    await Bun.write(file, credentialOf("l"));
    const boots = new Set<unknown>();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        boots.add((await seenRequest(request)).body.boot);
        return Response.json({ job: null });
      },
    });
    const start = (name: string) =>
      startRunnerProgram({
        root: join(dir.path, name),
        apiUrl: `http://127.0.0.1:${server.port}/api`,
        env: { WSRUNNER_ALLOW_INSECURE: "1", WSRUNNER_CREDENTIAL_FILE: file },
      });
    const first = start("first");
    try {
      await eventually("the first is at work", () => boots.size === 1, TEST_MS_MAX);
      const second = await start("second").ended();
      expect(second.exit).toBe(2);
      expect(second.said).toContain(
        `another windshift-runner (process ${first.child.pid}) is at work with ${file}`,
      );
      expect([boots.size, first.child.exitCode]).toEqual([1, null]);
    } finally {
      first.child.kill("SIGTERM");
      await first.ended();
      await server.stop(true);
    }
  },
  TEST_MS_MAX,
);

test("a lock that was released is free, and one that is held is not for a part of this process either", async () => {
  using dir = tempDir();
  {
    using _first = await lockHost(dir.path, PATH);
    await expect(lockHost(dir.path, PATH)).rejects.toMatchObject({ code: "invalid_input" });
  }
  using _next = await lockHost(dir.path, PATH);
});

test("a host without flock, or a folder that cannot be had, is told what to do", async () => {
  using dir = tempDir();
  await expect(lockHost(dir.path, join(dir.path, "nowhere"))).rejects.toThrow("install util-linux");
  await expect(lockHost("/proc/windshift-test", PATH)).rejects.toThrow("WSRUNNER_CACHE_ROOT");
  expect(existsSync("/proc/windshift-test")).toBe(false);
});

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { obtainInstance } from "./instance.ts";
import {
  credentialOf,
  REGISTRATION_TOKEN,
  registered,
  startRunnerProgram,
  unknownRunner,
} from "./runner-program.fixture.ts";

const TEST_MS_MAX = 30_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const unasked = () => Promise.reject(new Error("the server is not to be asked"));

test("a name that is kept is used without asking, and one that never was is made once", async () => {
  using dir = tempDir();
  const file = join(dir.path, "cache", "instance");
  const first = await obtainInstance({ file, ask: unasked, log: SILENT });
  expect(first).toMatch(/^[0-9a-f]{12}$/);
  expect(await obtainInstance({ file, ask: unasked, log: SILENT })).toBe(first);
});

test.each(["", "0123", "\0".repeat(13)])(
  "a file that holds %j gives no new name: the server's is written",
  async (damaged) => {
    using dir = tempDir();
    const file = join(dir.path, "instance");
    writeFileSync(file, damaged);
    const warned: unknown[] = [];
    const log = { ...SILENT, warn: (message: string) => void warned.push(message) };
    const away = () => Promise.reject(new AppError("unavailable", "away"));
    await expect(obtainInstance({ file, ask: away, log })).rejects.toMatchObject({ code: "unavailable" });
    expect(readFileSync(file, "utf8")).toBe(damaged);
    expect(await obtainInstance({ file, ask: async () => "0123456789ab", log })).toBe("0123456789ab");
    expect(readFileSync(file, "utf8")).toBe("0123456789ab\n");
    expect(warned).toHaveLength(1);
  },
);

test(
  "a host that registers takes the server's name, and asks for it again when it lost it",
  async () => {
    using dir = tempDir();
    const file = join(dir.path, "instance");
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/api/runner/register") return registered(credentialOf("i"));
        if (pathname !== "/api/runner/whoami" || request.method !== "GET") return unknownRunner();
        const me = { name: "host", instance_id: "0123456789ab", pool: "pool", drain: false, alert: null };
        return Response.json(me);
      },
    });
    const run = (env: Record<string, string>) =>
      startRunnerProgram({
        root: dir.path,
        apiUrl: `http://127.0.0.1:${server.port}/api`,
        env: { WSRUNNER_ALLOW_INSECURE: "1", ...env },
      }).ended();
    try {
      await run({ WSRUNNER_REGISTRATION_TOKEN: REGISTRATION_TOKEN });
      expect(readFileSync(file, "utf8")).toBe("0123456789ab\n");
      writeFileSync(file, "");
      const { said } = await run({});
      expect(readFileSync(file, "utf8")).toBe("0123456789ab\n");
      expect(said).toContain("the server told it again");
    } finally {
      await server.stop(true);
    }
  },
  TEST_MS_MAX,
);

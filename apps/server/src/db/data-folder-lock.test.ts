import { expect, test } from "bun:test";
import { programCommand } from "@windshift/testing/program-command.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { lockDataFolder } from "./data-folder-lock.ts";

/** Servers as their own processes; on a loaded machine they take their time, ms. */
const TEST_MS_MAX = 120_000;

test(
  "a data folder with an embedded database has one server; when that was killed, the next one starts",
  async () => {
    using dir = tempDir();
    const first = startServer(dir.path);
    await untilReady(first);
    const second = startServer(dir.path);
    const said = await new Response(second.stderr).text();
    expect([await second.exited, said]).toEqual([
      6,
      expect.stringContaining(`another process serves or moves the data folder ${dir.path}`),
    ]);
    expect(first.exitCode).toBeNull();
    first.kill("SIGKILL");
    await first.exited;
    const third = startServer(dir.path);
    await untilReady(third);
    third.kill("SIGTERM");
    expect(await third.exited).toBe(0);
    lockDataFolder(dir.path).release();
  },
  TEST_MS_MAX,
);

test("a folder that cannot be locked is told by its setting", () => {
  expect(() => lockDataFolder("/proc/windshift-test")).toThrow("WINDSHIFT_DATA: /proc/windshift-test");
});

function startServer(dataDir: string) {
  return Bun.spawn(programCommand("windshift"), {
    env: {
      PATH: process.env.PATH ?? "",
      WINDSHIFT_DATA: dataDir,
      WINDSHIFT_HOST: "127.0.0.1",
      WINDSHIFT_PORT: "0",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function untilReady(child: ReturnType<typeof startServer>): Promise<void> {
  const reader = child.stdout.getReader();
  let said = "";
  while (!said.includes('"ready"')) {
    const { done, value } = await reader.read();
    if (done)
      throw new Error(`the server did not get ready: ${said} ${await new Response(child.stderr).text()}`);
    said += Buffer.from(value).toString();
  }
  reader.releaseLock();
}

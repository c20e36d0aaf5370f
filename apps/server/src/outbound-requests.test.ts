import { expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { OUTBOUND_REQUESTS_MAX } from "./outbound-requests.ts";

/** Above the runtime's own limit of 256. */
const REQUESTS = 400;

for (const form of ["from source", "compiled"])
  test(`more requests are under way at once than the runtime allows by itself, in the same process, ${form}`, async () => {
    let waiting = 0;
    const gate = Promise.withResolvers<void>();
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch() {
        waiting++;
        await gate.promise;
        return new Response("answered");
      },
    });
    using dir = tempDir();
    const file = join(dir.path, "program.ts");
    await Bun.write(
      file,
      `import { raiseOutboundRequests } from ${JSON.stringify(join(import.meta.dir, "outbound-requests.ts"))};
      raiseOutboundRequests();
      const all = Array.from({ length: ${REQUESTS} }, () => fetch(${JSON.stringify(String(server.url))}));
      void Promise.all(all.map(async (reply) => (await reply).text())).then((texts) => {
        console.log(process.pid, ...new Set(texts), ...process.argv.slice(2));
      });`,
    );
    try {
      const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, ...env } = process.env;
      const argv = form === "compiled" ? [await compiled(file)] : [process.execPath, file];
      const child = Bun.spawn([...argv, "serve"], { env, stdout: "pipe", stderr: "inherit" });
      await eventually("all of them have arrived", () => waiting === REQUESTS, 30_000);
      gate.resolve();
      expect((await new Response(child.stdout).text()).trim()).toBe(`${child.pid} answered serve`);
      expect(await child.exited).toBe(0);
    } finally {
      await server.stop(true);
    }
  }, 60_000);

async function compiled(file: string): Promise<string> {
  const outfile = file.replace(/\.ts$/, "");
  const build = [process.execPath, "build", "--compile", "--bytecode", "--outfile", outfile, file];
  expect(await Bun.spawn(build, { stdout: "ignore", stderr: "inherit" }).exited).toBe(0);
  return outfile;
}

test("the server starts again before it has loaded anything but what does that", async () => {
  const main = await Bun.file(join(import.meta.dir, "main.ts")).text();
  expect([...main.matchAll(/^import .* from "(.*)";$/gm)].map(([, from]) => from)).toEqual([
    "./outbound-requests.ts",
  ]);
  expect(await Bun.file(join(import.meta.dir, "outbound-requests.ts")).text()).not.toMatch(/^import /m);
});

test("npm start sets the limit itself, which spares the server its second start", async () => {
  const root = await Bun.file(join(import.meta.dir, "../../../package.json")).json();
  expect(root.scripts.start).toStartWith(`BUN_CONFIG_MAX_HTTP_REQUESTS=${OUTBOUND_REQUESTS_MAX} bun `);
});

test("a process that cannot start itself again goes on, and says with what it should be started", async () => {
  using dir = tempDir();
  const file = join(dir.path, "program.ts");
  await Bun.write(
    file,
    `import { raiseOutboundRequests } from ${JSON.stringify(join(import.meta.dir, "outbound-requests.ts"))};
    process.execPath = "/etc/hostname";
    raiseOutboundRequests();
    console.log("goes on");`,
  );
  const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, ...env } = process.env;
  const child = Bun.spawn([process.execPath, file], { env, stdout: "pipe", stderr: "pipe" });
  expect(await new Response(child.stdout).text()).toBe("goes on\n");
  expect(await new Response(child.stderr).text()).toContain(
    `start it with BUN_CONFIG_MAX_HTTP_REQUESTS=${OUTBOUND_REQUESTS_MAX}`,
  );
});

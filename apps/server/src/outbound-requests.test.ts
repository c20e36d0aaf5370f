import { expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { OUTBOUND_REQUESTS_MAX } from "./outbound-requests.ts";

/** Above the runtime's own limit of 256. */
const REQUESTS = 400;

test("more requests are under way at once than the runtime allows by itself, in the same process", async () => {
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
  const program = `
    const { raiseOutboundRequests } = await import(${JSON.stringify(`${import.meta.dir}/outbound-requests.ts`)});
    raiseOutboundRequests();
    const all = Array.from({ length: ${REQUESTS} }, () => fetch(${JSON.stringify(String(server.url))}));
    for (const response of await Promise.all(all)) if ((await response.text()) !== "answered") process.exit(1);
    console.log(process.pid);
  `;
  const file = `${process.env.TMPDIR ?? "/tmp"}/outbound-requests-${process.pid}.ts`;
  await Bun.write(file, program);
  try {
    const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, ...env } = process.env;
    const child = Bun.spawn([process.execPath, file], { env, stdout: "pipe", stderr: "inherit" });
    await eventually("all of them have arrived", () => waiting === REQUESTS);
    gate.resolve();
    expect(Number(await new Response(child.stdout).text())).toBe(child.pid);
    expect(await child.exited).toBe(0);
  } finally {
    await Bun.file(file).delete();
    await server.stop(true);
  }
});

test("npm start sets the limit itself, which spares the server its second start", async () => {
  const root = await Bun.file(join(import.meta.dir, "../../../package.json")).json();
  expect(root.scripts.start).toStartWith(`BUN_CONFIG_MAX_HTTP_REQUESTS=${OUTBOUND_REQUESTS_MAX} bun `);
});

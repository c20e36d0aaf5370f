import { afterAll, beforeAll, expect, test } from "bun:test";
import { authorization, type BrokerFixture, startBroker } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";

const IDLE_MS = 150;
let broker: BrokerFixture;
beforeAll(async () => {
  broker = await startBroker({ bodyIdleMsMax: IDLE_MS });
});
afterAll(() => broker.stop());

for (const service of ["git-upload-pack", "git-receive-pack"])
  test(`GB-28 ${service} gives a body up that stops coming`, async () => {
    const run = broker.grant(1);
    const head = pktLine(`${"0".repeat(40)} ${"a".repeat(40)} ${run.ref}\0report-status`);
    const reply = await send(run, service, [head.subarray(0, 20)], () => new Promise(() => undefined));
    expect(reply.status).toBe(400);
    expect(await reply.text()).toBe("nothing more came for 0.15 s\n");
    expect(broker.upstreamCalls).toEqual([]);
  });

test("GB-28 a body that comes slowly, but comes, is read to its end", async () => {
  const run = broker.grant(2);
  const body = Buffer.concat([pktLine("command=ls-refs\n"), Buffer.from("00010000")]);
  const parts = Array.from({ length: body.length }, (_, at) => body.subarray(at, at + 1));
  const startedMs = performance.now();
  const reply = await send(run, "git-upload-pack", parts, () => Bun.sleep(IDLE_MS / 10));
  expect(reply.status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThan(2 * IDLE_MS);
});

function send(
  run: { url: string; token: string },
  service: string,
  parts: Uint8Array[],
  pause: () => Promise<unknown>,
): Promise<Response> {
  const left = [...parts];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = left.shift();
      if (part === undefined && parts.length > 1) return controller.close();
      if (part !== undefined) controller.enqueue(new Uint8Array(part));
      await pause();
    },
  });
  return fetch(`${run.url}/${service}`, {
    method: "POST",
    body,
    headers: { authorization: authorization(run.token), "content-type": `application/x-${service}-request` },
  });
}

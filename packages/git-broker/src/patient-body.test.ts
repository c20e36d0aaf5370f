import { afterAll, afterEach, beforeAll, expect, jest, test } from "bun:test";
import { authorization, type BrokerFixture, startBroker } from "./broker-fixture.ts";
import { BODY_IDLE_MS_MAX, withIdleLimit } from "./patient-body.ts";
import { pktLine } from "./pkt-line.ts";
import { BodyRefused } from "./refusal.ts";

/** Short for a body that stops, long beside what a loaded machine takes for a body that is slow. */
const STOPS_MS = 150;
const SLOW_MS = 2_000;
let impatient: BrokerFixture;
let patient: BrokerFixture;
beforeAll(async () => {
  impatient = await startBroker({ bodyIdleMsMax: STOPS_MS });
  patient = await startBroker({ bodyIdleMsMax: SLOW_MS });
});
afterAll(async () => {
  await impatient.stop();
  await patient.stop();
});
afterEach(() => void jest.useRealTimers());

test("GB-28 a body may come for half an hour with pauses just under 60 s, and is given up at 60 s", async () => {
  expect(BODY_IDLE_MS_MAX).toBe(60_000);
  jest.useFakeTimers();
  const sent = new TransformStream<Uint8Array, Uint8Array>();
  const client = sent.writable.getWriter();
  const request = new Request("http://broker.test/", { method: "POST", body: sent.readable });
  const reader = withIdleLimit(request, BODY_IDLE_MS_MAX).body?.getReader();
  for (let minute = 0; minute < 31; minute++) {
    const read = reader?.read();
    await waitIsTimed();
    jest.advanceTimersByTime(BODY_IDLE_MS_MAX - 1);
    void client.write(Uint8Array.of(minute));
    expect((await read)?.value).toEqual(Uint8Array.of(minute));
  }
  const last = reader?.read();
  await waitIsTimed();
  jest.advanceTimersByTime(BODY_IDLE_MS_MAX);
  await expect(last as Promise<unknown>).rejects.toEqual(new BodyRefused(400, "nothing more came for 60 s"));
});

/** The limit counts from when somebody waits for the body. */
async function waitIsTimed(): Promise<void> {
  for (let turns = 0; jest.getTimerCount() === 0; turns++) {
    if (turns > 10_000) throw new Error("nobody waits for the body");
    await Promise.resolve();
  }
}

for (const service of ["git-upload-pack", "git-receive-pack"])
  test(`GB-28 ${service} gives a body up that stops coming`, async () => {
    const run = impatient.grant(1);
    const head = pktLine(`${"0".repeat(40)} ${"a".repeat(40)} ${run.ref}\0report-status`);
    const reply = await send(run, service, [head.subarray(0, 20)], () => new Promise(() => undefined));
    expect(reply.status).toBe(400);
    expect(await reply.text()).toBe("nothing more came for 0.15 s\n");
    expect(impatient.upstreamCalls).toEqual([]);
  });

test("GB-28 a body that comes slowly, but comes, is read to its end", async () => {
  const run = patient.grant(2);
  const body = Buffer.concat([pktLine("command=ls-refs\n"), Buffer.from("00010000")]);
  const parts = Array.from({ length: body.length }, (_, at) => body.subarray(at, at + 1));
  const startedMs = performance.now();
  const reply = await send(run, "git-upload-pack", parts, () => Bun.sleep(SLOW_MS / 20));
  expect(reply.status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThan(SLOW_MS);
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

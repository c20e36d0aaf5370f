import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { HostHealth } from "./host-health.ts";
import { startMetricsServer } from "./metrics-server.ts";

test("/healthz of a host whose loop stands still is 503 and says what does, and 200 once it goes on", async () => {
  let nowMs = 0;
  const load = { held: 1, capacity: 2, draining: false };
  const times = { pollIntervalMs: 2_000, heartbeatMs: 30_000 };
  const health = new HostHealth({ ...times, load: () => load, nowMs: () => nowMs });
  const server = startMetricsServer({
    host: "127.0.0.1",
    port: 0,
    registry: new Registry(),
    problem: () => health.problem(),
  });
  const ask = async () => {
    const reply = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    return [reply.status, await reply.json()];
  };
  try {
    expect(await ask()).toEqual([200, { status: "ok" }]);
    nowMs = 600_000;
    expect(await ask()).toEqual([503, { status: "stuck", problem: "no claim has ended for 600 s" }]);
    health.claimDue();
    expect(await ask()).toEqual([503, { status: "stuck", problem: "no heartbeat has ended for 600 s" }]);
    health.heartbeatDue();
    expect(await ask()).toEqual([200, { status: "ok" }]);
  } finally {
    await server.stop();
  }
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { RunReason, RunStatus } from "@windshift/contract/run.ts";
import { HostMetrics } from "@windshift/runner/host-metrics.ts";
import { type MetricsServer, startMetricsServer } from "@windshift/runner/metrics-server.ts";
import { ServerMetrics } from "@windshift/server/metrics/server-metrics.ts";
import { startTestServer, type TestServer } from "@windshift/server/testing/test-server.ts";
import { z } from "zod";

/** What deploy/grafana asks Prometheus for, held to what server and runner really tell at /metrics. */
const FOLDER = join(import.meta.dir, "../deploy/grafana");
const TOKEN = "metrics-token-of-the-dashboard-test";
const Target = z.object({ expr: z.string().min(1) });
const Panel = z.object({
  title: z.string().min(1),
  type: z.string(),
  targets: z.array(Target).default([]),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
});
const Dashboard = z.object({ uid: z.literal("windshift"), panels: z.array(Panel).min(10) });
const Rule = z.object({
  alert: z.string().regex(/^Windshift[A-Za-z]+$/),
  expr: z.string().min(1),
  labels: z.object({ severity: z.enum(["warning", "critical"]) }),
  annotations: z.object({ summary: z.string().min(10) }),
});
const Rules = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(Rule).min(5) })) });

let server: TestServer;
let host: MetricsServer;
/** Names of labels by the name under which values are exposed, such as `…_bucket`. */
let exposed: Map<string, Set<string>>;
let panels: z.infer<typeof Panel>[];
let rules: z.infer<typeof Rule>[];

beforeAll(async () => {
  server = await startTestServer({ metricsToken: TOKEN });
  const { figures } = server.database;
  if (!(figures instanceof ServerMetrics)) throw new Error("the server's figures are of another kind");
  figures.runEnded("failed", "budget");
  figures.loopDelayed(1);
  await server.stranger().get("/healthz");
  const metrics = new HostMetrics({
    load: () => ({ held: 0, capacity: 1, draining: false }),
    spoolDir: FOLDER,
  });
  metrics.claimed("job", 1);
  metrics.phase("1-1", "agent");
  metrics.jobEnded("1-1", { kind: "lease_lost" });
  const { registry } = metrics;
  host = startMetricsServer({ host: "127.0.0.1", port: 0, registry, problem: () => undefined });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const told = await Promise.all([
    fetch(`${server.url}/metrics`, { headers }).then((reply) => reply.text()),
    fetch(`http://127.0.0.1:${host.port}/metrics`).then((reply) => reply.text()),
  ]);
  exposed = exposedIn(told.join("\n"));
  panels = Dashboard.parse(await Bun.file(join(FOLDER, "windshift.json")).json()).panels;
  const yaml = await Bun.file(join(FOLDER, "windshift-alerts.yaml")).text();
  rules = Rules.parse(Bun.YAML.parse(yaml)).groups.flatMap((group) => group.rules);
}, 60_000);
afterAll(async () => {
  await host?.stop();
  await server?.close();
}, 60_000);

function exposedIn(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name = ""] of text.matchAll(/^# TYPE (\S+)/gm)) found.set(name, new Set());
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? /gm)) {
    const names = [...labels.matchAll(/([a-z_]+)="/g)].map(([, label = ""]) => label);
    found.set(name, new Set([...(found.get(name) ?? []), ...names]));
  }
  return found;
}

function expressions(): { of: string; expr: string }[] {
  const shown = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ of: title, expr })));
  return [...shown, ...rules.map(({ alert, expr }) => ({ of: alert, expr }))];
}

interface Selector {
  name: string;
  matchers: { label: string; values: string[] }[];
}

function selectorsIn(expr: string): Selector[] {
  return [...expr.matchAll(/\b(windshift_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name = "", inside = ""]) => ({
    name,
    matchers: [...inside.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)].map(
      ([, label = "", value = ""]) => ({
        label,
        values: value.split("|"),
      }),
    ),
  }));
}

test("every figure that the dashboard and the alerts name is exposed, with the labels they choose by", () => {
  for (const { of, expr } of expressions())
    for (const { name, matchers } of selectorsIn(expr)) {
      expect([of, name, exposed.has(name)]).toEqual([of, name, true]);
      for (const { label } of matchers)
        expect([of, name, label, exposed.get(name)?.has(label)]).toEqual([of, name, label, true]);
    }
});

test("values that they choose by exist", () => {
  const known: Record<string, readonly string[]> = {
    status: [...RunStatus.options, "2xx", "3xx", "4xx", "5xx"],
    reason: RunReason.options,
    state: ["live", "stale", "draining", "revoked"],
    result: ["job", "none", "ok", "failed"],
    end: ["reported", "lease_lost", "interrupted", "partitioned", "undelivered", "error"],
  };
  for (const { of, expr } of expressions())
    for (const { matchers } of selectorsIn(expr))
      for (const { label, values } of matchers)
        for (const value of known[label] === undefined ? [] : values)
          expect([of, label, value, known[label]?.includes(value)]).toEqual([of, label, value, true]);
});

test("sums are grouped by labels that their figures have", () => {
  for (const { of, expr } of expressions())
    for (const [, list = ""] of expr.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of list.split(",").map((name) => name.trim())) {
        const has = selectorsIn(expr).some(({ name }) => exposed.get(name)?.has(label));
        expect([of, label, has || label === "instance"]).toEqual([of, label, true]);
      }
});

test("expressions are whole, and no two panels lie over each other", () => {
  for (const { of, expr } of expressions()) {
    const bare = expr.replaceAll(/"[^"]*"/g, '""');
    for (const [open, close] of ["()", "{}", "[]"])
      expect([of, bare.split(open as string).length]).toEqual([of, bare.split(close as string).length]);
  }
  const taken = new Set<string>();
  for (const { title, gridPos } of panels)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, x < 24, taken.has(`${x} ${y}`)]).toEqual([title, true, false]);
        taken.add(`${x} ${y}`);
      }
});

test("docs/telemetry.md says what each alert means", async () => {
  const page = await Bun.file(join(FOLDER, "../../docs/telemetry.md")).text();
  const explained = [...page.matchAll(/^\| `(Windshift[A-Za-z]+)`/gm)].map(([, name]) => name);
  expect(explained.sort()).toEqual(rules.map(({ alert }) => alert).sort());
});

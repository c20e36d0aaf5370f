import { afterAll, beforeAll, expect, test } from "bun:test";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { crashDatabase, rollingRestart } from "./acts.ts";
import { apiToken, runReplicaEpisode } from "./replica-episode.ts";
import { openReplicaStage, type ReplicaStage } from "./replica-stage.ts";

/** Takes half a minute on a machine that has nothing else to do. `npm run test:replicas` does all of it, and longer. */
const TEST_MS_MAX = 300_000;
const SEEN_MS_MAX = 30_000;
const RUNS = 8;

let rig: ReplicaStage;
beforeAll(async () => {
  rig = await openReplicaStage({ servers: 2, hosts: 1, capacity: 3, thinkMs: [300, 300, 300, 300] });
}, TEST_MS_MAX);
afterAll(() => rig?.close(false), TEST_MS_MAX);

test(
  "who watches a list at one server sees what is written at another",
  async () => {
    const token = await apiToken(rig.stage.api);
    const [here, there] = rig.replicas.map(({ url }) => new ApiClient(url, { kind: "token", token }));
    if (here === undefined || there === undefined) throw new Error("two servers are wanted");
    const ending = new AbortController();
    const seen: string[] = [];
    const watch = async () => {
      const path = "/api/v1/workspaces/FAULT/changes/stream";
      for await (const { event, data } of there.events(path, ending.signal)) seen.push(`${event} ${data}`);
    };
    const watching = watch().catch(() => {}); // ended by us
    await eventually("the stream stands", () => seen.length > 0, SEEN_MS_MAX);
    const item = { title: "Seen", description: "" };
    const { key } = await here.post("/api/v1/workspaces/FAULT/items", item, WorkItemDetail);
    await eventually("the list hears of the item", () => seen.some((one) => one.includes(key)), SEEN_MS_MAX);
    ending.abort();
    await watching;
  },
  TEST_MS_MAX,
);

test(
  "F04 F10 servers are started anew one by one, the database crashes: no run fails, nobody misses or doubles anything",
  async () => {
    const said: string[] = [];
    const end = await runReplicaEpisode(rig, {
      runs: RUNS,
      log: (line) => void said.push(line),
      act: async (...of) => {
        await rollingRestart(...of);
        await crashDatabase(...of);
      },
    });
    expect({ violations: end.violations, said }).toEqual({ violations: [], said });
    expect(end.endings).toEqual({ "succeeded completed": end.runs });
    expect(end.broken).toBeGreaterThan(0);
    expect(end.statuses["200"]).toBeGreaterThan(0);
  },
  TEST_MS_MAX,
);

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { pktLine } from "@windshift/git-broker/pkt-line.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import type { Bench, BenchReport } from "../bench.ts";
import { absoluteFigure, relativeFigure } from "../figure.ts";
import { inTurn, median, type Sample, timed } from "../measure.ts";
import { residentMb } from "../server-start/memory.ts";
import { gitOrFail } from "./git-client.ts";
import { peakMb, processorMs } from "./process-cost.ts";
import { openWays, type Way, type Ways } from "./ways.ts";

const CLONE_ROUNDS = 5;
const LIST_ROUNDS = 15;
const COMMIT_ROUNDS = 9;
const LARGE_ROUNDS = 5;
const LARGE_BYTES = 20_000_000;
const GIB = 1_024 ** 3;
const CLONES_AT_ONCE = 20;
/** Bars. Source: PERFORMANCE, "Git broker". */
const CLONE_RATIO_MAX = 1.15;
const LIST_MS_OVER = 10;
const COMMIT_MS_OVER = 40;
const LARGE_RATIO_MAX = 1.25;
const CLONE_CPU_MS_MAX = 600;
/** What nginx took for a clone where that bar was written, ms of processor time. Source: the same table. */
const NGINX_CPU_MS_AT_BAR = 269;
/** 64 and 256 MiB, in MB. */
const RSS_MB_OVER = (64 * 1_048_576) / 1e6;
const RSS_MB_AT_ONCE = (256 * 1_048_576) / 1e6;

const bench = "git-broker";

export const gitBroker: Bench = {
  name: bench,
  about: "clone, list and push through the git broker, beside nginx and no proxy at all",
  async run(report) {
    using dir = tempDir();
    const ways = await openWays(dir.path, report.progress);
    try {
      for (const way of ways.ways) await gitOrFail(dir.path, "ls-remote", way.url);
      const idleMb = await residentMb(ways.ours.pid ?? 0);
      await measureClones(report, ways, dir.path, idleMb);
      await measureLists(report, ways);
      await measureCommits(report, ways);
      await measureLargePushes(report, ways);
      await measureManyClones(report, ways, idleMb);
      await measureGigabyte(report, ways, dir.path);
    } finally {
      await ways.stop();
    }
  },
};

async function measureClones(report: BenchReport, ways: Ways, dir: string, idleMb: number): Promise<void> {
  const cost = new Map<Way, { cpuMs: number[]; peak: number[] }>();
  for (const way of ways.ways) cost.set(way, { cpuMs: [], peak: [] });
  const samples = await inTurn(
    CLONE_ROUNDS,
    ways.ways.map((way) => async (round: number) => {
      const into = join(dir, "clone.git");
      const before = way.pid === undefined ? 0 : await processorMs(way.pid);
      let elapsedMs = 0;
      const clone = async () => {
        elapsedMs = await timed(() =>
          gitOrFail(dir, "clone", "-q", "--bare", "--single-branch", way.url, into),
        );
      };
      const peak = way.pid === undefined ? undefined : await peakMb(way.pid, clone);
      if (peak === undefined) await clone();
      else if (way.pid !== undefined && round > 0) {
        cost.get(way)?.cpuMs.push((await processorMs(way.pid)) - before);
        cost.get(way)?.peak.push(peak);
      }
      rmSync(into, { recursive: true });
      report.progress(`clone ${round} ${way.name}: ${elapsedMs.toFixed(0)} ms`);
      return elapsedMs;
    }),
  );
  const at = (name: Way["name"]) => samples[ways.ways.findIndex((way) => way.name === name)] ?? [];
  const direct = at("direct");
  report.figure(
    relativeFigure(
      { bench, metric: "clone of 200 MB", unit: "ms", bar: CLONE_RATIO_MAX },
      at("ours"),
      "direct",
      direct,
    ),
  );
  const ours = cost.get(ways.ours) ?? { cpuMs: [], peak: [] };
  const nginx = ways.ways.find(({ name }) => name === "nginx");
  const beside = nginx === undefined ? undefined : { name: "nginx", samples: cost.get(nginx)?.cpuMs ?? [] };
  if (nginx !== undefined)
    report.figure(
      relativeFigure(
        { bench, metric: "clone of 200 MB, nginx", unit: "ms", bar: null },
        at("nginx"),
        "direct",
        direct,
      ),
    );
  report.figure(
    absoluteFigure(
      { bench, metric: "processor time a clone", unit: "ms", bar: CLONE_CPU_MS_MAX },
      ours.cpuMs,
      beside,
      beside && { atBar: NGINX_CPU_MS_AT_BAR, here: beside.samples },
    ),
  );
  report.figure(
    absoluteFigure(
      { bench, metric: "RSS over idle, clone of 200 MB", unit: "MB", bar: RSS_MB_OVER },
      ours.peak.map((peak) => peak - idleMb),
    ),
  );
}

async function measureLists(report: BenchReport, ways: Ways): Promise<void> {
  const samples = await inTurn(
    LIST_ROUNDS,
    ways.ways.map((way) => () => timed(() => gitOrFail(ways.work, "ls-remote", way.url))),
  );
  reportOver(report, ways, samples, "ls-remote", LIST_MS_OVER);
}

async function measureCommits(report: BenchReport, ways: Ways): Promise<void> {
  const samples = await inTurn(
    COMMIT_ROUNDS,
    ways.ways.map((way) => async (round: number) => {
      await commit(ways, way, "small", Buffer.from(`${round}\n`));
      return timed(() => pushTo(ways, way));
    }),
  );
  reportOver(report, ways, samples, "push of one commit", COMMIT_MS_OVER);
}

async function measureLargePushes(report: BenchReport, ways: Ways): Promise<void> {
  const samples = await inTurn(
    LARGE_ROUNDS,
    ways.ways.map((way) => async (round: number) => {
      // A new name each time: git would look for likeness to the file of that name before, on the ways that show it that one.
      await commit(ways, way, `large-${round}`, randomBytes(LARGE_BYTES));
      const elapsedMs = await timed(() => pushTo(ways, way));
      report.progress(`push of 20 MB ${round} ${way.name}: ${elapsedMs.toFixed(0)} ms`);
      return elapsedMs;
    }),
  );
  const [direct = []] = samples;
  for (const [index, way] of ways.ways.entries()) {
    if (way.name === "direct") continue;
    const bar = way.name === "ours" ? LARGE_RATIO_MAX : null;
    const metric = way.name === "ours" ? "push of 20 MB" : `push of 20 MB, ${way.name}`;
    report.figure(relativeFigure({ bench, metric, unit: "ms", bar }, samples[index] ?? [], "direct", direct));
  }
}

/** The packs are read and thrown away, so that it is the proxy that is measured and not twenty times git. */
async function measureManyClones(report: BenchReport, ways: Ways, idleMb: number): Promise<void> {
  report.progress(`${CLONES_AT_ONCE} clones at once`);
  const oid = await gitOrFail(ways.repository, "rev-parse", "refs/heads/main");
  // A run of its own for each: one run has a handful of requests open at most.
  const urls = Array.from({ length: CLONES_AT_ONCE }, (_, at) => ways.urlOfRun(at + 1));
  const peak = await peakMb(ways.ours.pid ?? 0, async () => {
    await Promise.all(urls.map((url) => drain(url, oid)));
  });
  report.figure(
    absoluteFigure(
      {
        bench,
        metric: `RSS over idle, ${CLONES_AT_ONCE} clones of 200 MB at once`,
        unit: "MB",
        bar: RSS_MB_AT_ONCE,
      },
      [peak - idleMb],
    ),
  );
}

async function drain(url: string, oid: string): Promise<void> {
  const { username, password, origin, pathname } = new URL(url);
  const body = [
    pktLine("command=fetch"),
    Buffer.from("0001"),
    pktLine(`want ${oid}`),
    pktLine("done"),
    Buffer.from("0000"),
  ];
  const reply = await fetch(`${origin}${pathname}/git-upload-pack`, {
    method: "POST",
    body: Buffer.concat(body),
    headers: {
      authorization: `Basic ${btoa(`${username}:${password}`)}`,
      "content-type": "application/x-git-upload-pack-request",
      "git-protocol": "version=2",
    },
  });
  let bytes = 0;
  for await (const chunk of reply.body ?? []) bytes += chunk.length;
  if (bytes < 100e6) throw new Error(`a clone of ${bytes} bytes: HTTP ${reply.status}`);
}

/** Through a broker that has done nothing else yet: what the other measurements left in its memory is not of this push. */
async function measureGigabyte(report: BenchReport, ways: Ways, dir: string): Promise<void> {
  report.progress("push and clone of 1 GiB");
  const { work } = ways;
  const ours = await ways.freshBroker();
  await gitOrFail(dir, "ls-remote", ours.url);
  const idleMb = await residentMb(ours.pid ?? 0);
  const file = join(dir, "gigabyte.bin");
  for (let part = 0; part < 16; part++) await appendFile(file, randomBytes(GIB / 16));
  await commitFile(work, ours, "gigabyte", file);
  rmSync(file);
  // The host keeps the pack, as forges do, and does not spend a minute on packing a gigabyte anew: only our memory is measured.
  await gitOrFail(ways.repository, "config", "receive.unpackLimit", "1");
  const up = await peakMb(ours.pid ?? 0, () => pushTo(ways, ours));
  const clone = ["clone", "-q", "--bare", "--single-branch", "-b", ours.ref.slice("refs/heads/".length)];
  const down = await peakMb(ours.pid ?? 0, async () => {
    await gitOrFail(dir, ...clone, ours.url, "gigabyte.git");
  });
  for (const [metric, peak] of [
    ["RSS over idle, push of 1 GiB", up],
    ["RSS over idle, clone of 1 GiB", down],
  ] as const)
    report.figure(absoluteFigure({ bench, metric, unit: "MB", bar: RSS_MB_OVER }, [peak - idleMb]));
}

function reportOver(report: BenchReport, ways: Ways, samples: Sample[], metric: string, over: number): void {
  const [direct = []] = samples;
  for (const [index, way] of ways.ways.entries()) {
    if (way.name === "direct") continue;
    const bar = way.name === "ours" ? median(direct) + over : null;
    const subject = {
      bench,
      metric: way.name === "ours" ? metric : `${metric}, ${way.name}`,
      unit: "ms",
      bar,
    } as const;
    report.figure(absoluteFigure(subject, samples[index] ?? [], { name: "direct", samples: direct }));
  }
}

async function commit({ work }: Ways, way: Way, name: string, content: Uint8Array): Promise<void> {
  const file = join(work, ".git", "next-file");
  await Bun.write(file, content);
  await commitFile(work, way, name, file);
}

/** On the way's own line of commits: pushed to one way they would be new to the other, which shows less of the host's branches. */
async function commitFile(work: string, way: Way, name: string, file: string): Promise<void> {
  const blob = await gitOrFail(work, "hash-object", "-w", file);
  await gitOrFail(work, "read-tree", way.tip);
  await gitOrFail(work, "update-index", "--add", "--cacheinfo", `100644,${blob},${name}`);
  const tree = await gitOrFail(work, "write-tree");
  way.tip = await gitOrFail(work, "commit-tree", tree, "-p", way.tip, "-m", name);
}

async function pushTo({ work }: Ways, way: Way): Promise<void> {
  await gitOrFail(work, "push", "-q", way.url, `+${way.tip}:${way.ref}`);
}

import { eventually } from "@windshift/testing/eventually.ts";
import { z } from "zod";
import { findViolations } from "./checker.ts";
import { endingsOf, leftovers, settle } from "./episode.ts";
import { takeRecord } from "./record.ts";
import { HERE, openStage, type Stage } from "./stage.ts";
import { SHORT_TIMES } from "./time-limits.ts";

/**
 * bun e2e/faults-harness/disk-stall.ts, on Linux with strace: F13, the disk below the server's database stalls. While runs are going,
 * every fsync and fdatasync of the server takes a sixth of a heartbeat longer, which is 5 s in the product's times, for four leases. What
 * was acknowledged has to stay, and every run has to end well. strace stops the server at each of its calls, so hosts with short times
 * may give runs up meanwhile and begin them again; with the product's times a heartbeat has 30 s. Prints what happened; exit code 1 when an invariant did not hold.
 */
const STALL_MS = SHORT_TIMES.HEARTBEAT_INTERVAL_MS / 6;
const STALLED_FOR_MS = 4 * SHORT_TIMES.LEASE_MS;
const RUNS = 4;
const THINK_MS = [300, 1_500, 1_500, 1_500, 300];
const WAIT_MS_MAX = 120_000;

process.exit(await stallDisk());

async function stallDisk(): Promise<number> {
  if (Bun.which("strace") === null) throw new Error("install strace: it is what makes the disk slow");
  const env = { ...process.env, WINDSHIFT_TEST_DATABASE: "sqlite" };
  const stage = await openStage({ env, hosts: [HERE], capacity: RUNS, poolMax: RUNS, thinkMs: THINK_MS });
  try {
    for (const host of stage.hosts) {
      await host.register();
      await host.kill();
      // As in the product, a host waits for more than three leases before it ends its agents itself.
      host.start({ FAULTS_TIMES: JSON.stringify({ PARTITION_MS_MAX: 4 * SHORT_TIMES.LEASE_MS }) });
    }
    const assigned: string[] = [];
    const assign = async (title: string) => {
      const { key } = await stage.workspace.createItem({ title, description: "Anything." }, true);
      assigned.push(key);
    };
    for (let n = 1; n <= RUNS; n++) await assign(`Item ${n}`);
    await eventually("agents are at work", async () => (await working(stage)) > 0, WAIT_MS_MAX);
    const disk = slowDown(stage.server.pid);
    say(`each flush takes ${Math.round(STALL_MS)} ms more, for ${STALLED_FOR_MS} ms`);
    const startedMs = performance.now();
    await assign("Asked for meanwhile");
    say(`an assignment was acknowledged after ${Math.round(performance.now() - startedMs)} ms`);
    await Bun.sleep(Math.max(0, STALLED_FOR_MS - (performance.now() - startedMs)));
    disk.kill("SIGINT");
    const stalls = (await new Response(disk.stderr).text()).split("\n").filter((line) => /sync/.test(line));
    say(`the disk is well again after ${stalls.length} slow flushes`);
    const problems = await settle(stage);
    const record = await takeRecord(stage, assigned, await leftovers(stage));
    const attempts = record.runs.reduce((sum, { attempt }) => sum + attempt, 0);
    say(`${record.runs.length} runs in ${attempts} attempts: ${JSON.stringify(endingsOf(record))}`);
    const none = stalls.length === 0 ? ["no flush was slow"] : [];
    const violations = [...problems, ...findViolations(record), ...none];
    for (const line of (await Bun.file(`${stage.dataDir}/server.log`).text()).split("\n"))
      if (/lease lapsed|runners get time/.test(line)) say(line.slice(0, 300));
    say(violations.length === 0 ? "every invariant held" : violations.join("\n"));
    return violations.length === 0 ? 0 : 1;
  } finally {
    await stage.close(false);
  }
}

/** Until it is ended, each flush of the process waits before it begins. */
function slowDown(pid: number) {
  const what = `inject=fsync,fdatasync:delay_enter=${Math.round(STALL_MS * 1_000)}`;
  const argv = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", what, "-p", String(pid)];
  return Bun.spawn(argv, { stdio: ["ignore", "ignore", "pipe"] });
}

async function working({ journal }: Stage): Promise<number> {
  const statement = "select count(*) as count from runs where phase = 'agent'";
  const [row] = await journal.query(statement, z.object({ count: z.coerce.number() }));
  return row?.count ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
}

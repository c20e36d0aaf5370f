import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import { Balancer, FAIL_TIMEOUT_MS } from "./balancer.ts";

const ANSWER_MS_MAX = 60_000;
const SERVERS = 3;
/** Half of them read, half of them write; each asks again as soon as it was answered. */
const CALLERS = 24;

/**
 * The listener of the server, three times behind nginx, ended and started again one after the other under callers without a pause: what a
 * rolling restart does to a busy installation, many times over.
 * @returns how many requests were answered with each status
 */
export async function answersUnderRestarts(
  restarts: number,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  using dir = tempDir();
  await using started = new AsyncDisposableStack();
  const ports = await Promise.all(Array.from({ length: SERVERS }, () => freePort()));
  const servers = await Promise.all(ports.map(startServer));
  started.defer(async () => {
    for (const { stop } of servers) await stop();
  });
  const balancer = await Balancer.start(join(dir.path, "nginx"), await freePort(), ports);
  started.defer(() => balancer.stop());
  const callers = startCallers(`http://127.0.0.1:${balancer.port}/`);
  try {
    for (let restart = 0; restart < restarts; restart++) {
      const at = restart % SERVERS;
      const before = callers.count();
      await eventually("callers are answered", () => callers.count() > before + CALLERS, ANSWER_MS_MAX);
      const startedMs = performance.now();
      await servers[at]?.stop();
      log(`restart ${restart + 1} of ${restarts}: ended in ${Math.round(performance.now() - startedMs)} ms`);
      servers[at] = await startServer(ports[at] ?? 0);
      // As docs/many-servers.md has it: nginx comes back to it when this has passed.
      await Bun.sleep(2 * FAIL_TIMEOUT_MS);
    }
  } finally {
    await callers.end();
  }
  return callers.statuses;
}

function startCallers(url: string) {
  const statuses: Record<string, number> = {};
  let isOver = false;
  const call = async (init: RequestInit) => {
    while (!isOver) {
      const answer = await fetch(url, init).catch(() => undefined);
      await answer?.text().catch(() => {});
      const status = String(answer?.status ?? "none");
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const calls = Array.from({ length: CALLERS }, (_, at) =>
    call(at % 2 === 0 ? {} : { method: "POST", body: "new" }),
  );
  return {
    statuses,
    count: () => Object.values(statuses).reduce((sum, count) => sum + count, 0),
    end: async () => {
      isOver = true;
      await Promise.all(calls);
    },
  };
}

async function startServer(port: number) {
  const program = join(import.meta.dir, "answering-process.ts");
  const child = Bun.spawn([process.execPath, program, `${port}`], { stdout: "pipe", stderr: "inherit" });
  await child.stdout.getReader().read();
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

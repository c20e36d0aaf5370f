/** Longest wait for a server, ms: a hundred times what it should take. */
const READY_MS_MAX = 30_000;
/** Between two looks, ms: what the measurement may be late by. */
const LOOK_MS = 2;

/** @returns ms from the start of the program to the first 200 of /readyz, and the running program */
export async function timeReady(
  program: string,
  url: string,
  env: Record<string, string>,
): Promise<{ readyMs: number; child: Bun.Subprocess }> {
  const startedMs = performance.now();
  const child = Bun.spawn([program], { env, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  while (performance.now() - startedMs < READY_MS_MAX) {
    if (await isReady(url)) return { readyMs: performance.now() - startedMs, child };
    if (child.exitCode !== null) throw new Error(`${program} ended with exit code ${child.exitCode}`);
    await Bun.sleep(LOOK_MS);
  }
  child.kill("SIGKILL");
  throw new Error(`${program} was not ready within ${READY_MS_MAX / 1_000} s`);
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => undefined);
  return response?.status === 200;
}

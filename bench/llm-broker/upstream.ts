import { join } from "node:path";

/** The constant provider as a process of its own, so that its work is not counted as anyone's. */
export async function startUpstream(): Promise<{ port: number; stop(): Promise<void> }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "upstream-process.ts")], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value).trim());
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  return { port, stop };
}

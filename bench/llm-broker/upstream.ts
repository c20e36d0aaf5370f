import { join } from "node:path";

/** A program of the benchmark as a process of its own, so that its work is not counted as anyone's. */
export interface Listening {
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** The constant provider. */
export function startUpstream(): Promise<Listening> {
  return start("upstream-process.ts");
}

/** A proxy of the same runtime that looks at nothing. */
export function startBareProxy(upstreamUrl: string): Promise<Listening> {
  return start("bare-proxy-process.ts", upstreamUrl);
}

function start(program: string, ...args: string[]): Promise<Listening> {
  return startListening([process.execPath, join(import.meta.dir, program), ...args]);
}

/** Waits for the first line that the program prints, which is its port. */
export async function startListening(command: readonly string[]): Promise<Listening> {
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value).trim());
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  return { port, pid: child.pid, stop };
}

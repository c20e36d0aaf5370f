import { join } from "node:path";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { freePort } from "../scripts/setup/free-port.ts";
import type { BenchReport } from "./bench.ts";
import { compilePrograms } from "./programs.ts";

export interface BenchServer {
  server: ServerProcess;
  port: number;
  dataDir: string;
  /** For whatever else the work writes; goes away with it. */
  dir: string;
}

/** Does the work beside a server as it is shipped, on the embedded database, without runs of its own. */
export async function onBenchServer(
  report: BenchReport,
  work: (at: BenchServer) => Promise<void>,
): Promise<void> {
  using dir = tempDir();
  const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
  const port = await freePort();
  const dataDir = join(dir.path, "data");
  const server = await startServerProcess({
    argv: [program],
    port,
    logFile: join(dir.path, "server.log"),
    env: { ...serverEnv({ dataDir, port, containerHost: "127.0.0.1" }), CODING_AGENT_RUNNER_IMAGE: "" },
  });
  try {
    await work({ server, port, dataDir, dir: dir.path });
  } finally {
    await server.stop();
  }
}

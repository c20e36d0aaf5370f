import { join } from "node:path";
import { createDatabase } from "@windshift/testing/database-fixture.ts";
import { createRepository } from "@windshift/testing/git-repository.ts";
import { type ServerProcess, serverEnv, startServerProcess } from "@windshift/testing/server-process.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { freePort } from "../../scripts/setup/free-port.ts";
import type { BenchReport } from "../bench.ts";
import { compilePrograms } from "../programs.ts";
import { type BenchEngine, onEachEngine } from "./each-engine.ts";

/**
 * Does the work beside a server as it is shipped, once on each database, without runs of its own.
 * @param work gets the server and a folder with a repository to make runs for
 */
export async function onEachServer(
  report: BenchReport,
  work: (engine: BenchEngine, server: ServerProcess, projectDir: string) => Promise<void>,
): Promise<void> {
  using dir = tempDir();
  const { server: program } = await compilePrograms(join(dir.path, "bin"), report);
  const projectDir = join(dir.path, "project");
  await createRepository(projectDir, { files: { "README.md": "bench\n" } });
  await onEachEngine(report, async (engine) => {
    const database = await createDatabase(process.env);
    const port = await freePort();
    const at = { dataDir: database.dataDir, port, containerHost: "127.0.0.1", databaseUrl: database.url };
    const server = await startServerProcess({
      argv: [program],
      port,
      logFile: join(dir.path, `${engine}.log`),
      env: { ...serverEnv(at), CODING_AGENT_RUNNER_IMAGE: "" },
    });
    try {
      await work(engine, server, projectDir);
    } finally {
      await server.stop();
      await database.drop();
    }
  });
}

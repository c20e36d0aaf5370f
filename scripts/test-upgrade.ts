import { parseArgs } from "node:util";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { z } from "zod";
import { checkOutVersion } from "../e2e/upgrade/earlier-version.ts";
import { runUpgradeEpisode } from "../e2e/upgrade/upgrade-episode.ts";
import { freshProgram } from "./build/fresh-program.ts";
import { AGENT_PROGRAM, hostArchitecture } from "./build/programs.ts";

const USAGE = `npm run test:upgrade -- [--from REVISION] [--database sqlite|postgres]

The server of another commit sets up an installation, takes a run to its pull request and is killed in the middle of the next. Then the
server of these sources is started on what is there: it shows people the same, ends the run that was cut off, and loses no row.
  --from      what git knows it by. Default HEAD~1
  --database  default sqlite; postgres wants WINDSHIFT_TEST_DATABASE_URL
Prints what happened. Exits 1 when something is not as it was.`;

const Wanted = z.strictObject({
  from: z.string().min(1).default("HEAD~1"),
  database: z.enum(["sqlite", "postgres"]).default("sqlite"),
});

const option = { type: "string" } as const;
const wanted = Wanted.safeParse({ ...parseArgs({ options: { from: option, database: option } }).values });
if (wanted.success) process.exitCode = await testUpgrade(wanted.data);
else {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
// Sockets of what was killed may still be open.
process.exit();

async function testUpgrade({ from, database }: z.infer<typeof Wanted>): Promise<number> {
  using dir = tempDir();
  const agent = await freshProgram(AGENT_PROGRAM, hostArchitecture(), say);
  const { name, serverMain } = await checkOutVersion(from, dir.path);
  say(`${name}, on ${database}`);
  const problems = await runUpgradeEpisode({
    earlierMain: serverMain,
    env: { ...process.env, WINDSHIFT_TEST_DATABASE: database },
    agentBin: agent.slice(0, agent.lastIndexOf("/")),
    log: (line) => say(`  ${line}`),
  });
  for (const problem of problems) say(`  NOT AS IT WAS ${problem}`);
  say(`${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { soakStreams } from "../bench/llm-broker/soak/stream-soak.ts";

const USAGE = `bun scripts/soak-llm-streams.ts [--minutes N] [--streams N] [--slow steady|fast|flood] [--server FILE]

LB-13 in full: streams through the model broker of a server, one of ten callers slow, one leaving in the middle.
  --minutes  how long. Default 10
  --streams  how many at once. Default 2000
  --slow     what slow callers are sent: as the others, what the fastest models give, or all at once. Default fast
  --server   a compiled server. Default: the one of this source tree
Prints what it saw as one line of JSON. Exits 1 when something does not hold.`;

const number = (fallback: number) => z.coerce.number().positive().max(100_000).default(fallback);
const Wanted = z.strictObject({
  minutes: number(10),
  streams: number(2_000).pipe(z.int()),
  slow: z.enum(["steady", "fast", "flood"]).default("fast"),
  server: z.string().optional(),
});

const option = { type: "string" } as const;
const { values } = parseArgs({ options: { minutes: option, streams: option, slow: option, server: option } });
const wanted = Wanted.safeParse(values);
if (!wanted.success) {
  process.stderr.write(`${z.prettifyError(wanted.error)}\n\n${USAGE}\n`);
  process.exit(2);
}
const { minutes, streams, slow, server } = wanted.data;
const program =
  server === undefined ? [process.execPath, join(import.meta.dir, "../apps/server/src/main.ts")] : [server];
const report = await soakStreams(program, {
  streams,
  minutes,
  slow,
  progress: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(report.problems.length === 0 ? 0 : 1);

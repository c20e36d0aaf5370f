import { InspectionJob, type InspectionReply } from "./inspection-job.ts";
import { inspectPack } from "./pack-inspection.ts";

/**
 * The inspecting process: a job a line on stdin, its answers as lines on stdout, until stdin ends. It is a process of its
 * own because it reads hostile bytes with patterns of others: it may be killed at any time, and the server does not wait for
 * it in its own thread.
 */
export async function runInspections(): Promise<void> {
  for await (const line of console) {
    for await (const reply of answer(line)) await Bun.write(Bun.stdout, `${JSON.stringify(reply)}\n`);
  }
}

async function* answer(line: string): AsyncGenerator<InspectionReply, void> {
  try {
    yield* inspectPack(InspectionJob.parse(JSON.parse(line)));
  } catch (error) {
    yield { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

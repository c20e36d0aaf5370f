import {
  type InspectionJob,
  InspectionLine,
  type InspectionPlace,
  type InspectionReply,
} from "./inspection-job.ts";
import { ObjectReader } from "./object-reader.ts";
import { inspectPack } from "./pack-inspection.ts";

/**
 * The inspecting process: a job a line on stdin, its answers as lines on stdout, until stdin ends. It is a process of its
 * own because it reads hostile bytes with patterns of others: it may be killed at any time, and the server does not wait for
 * it in its own thread.
 */
export async function runInspections(): Promise<void> {
  let opened: Opened | undefined;
  for await (const line of console) {
    const asked = InspectionLine.parse(JSON.parse(line));
    if (opened?.gitDir !== asked.git_dir) {
      await opened?.reader.close();
      opened = open(asked);
    }
    if (asked.kind === "place") continue;
    for await (const reply of answer(asked, opened.reader))
      await Bun.write(Bun.stdout, `${JSON.stringify(reply)}\n`);
    await opened.reader.close();
    opened = undefined;
  }
}

interface Opened {
  gitDir: string;
  reader: ObjectReader;
}

function open({ git_dir: gitDir, path }: InspectionPlace | InspectionJob): Opened {
  return { gitDir, reader: new ObjectReader(gitDir, path) };
}

async function* answer(job: InspectionJob, reader: ObjectReader): AsyncGenerator<InspectionReply, void> {
  try {
    yield* inspectPack(job, reader);
  } catch (error) {
    yield { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { RunEvent, type StoredEvent } from "@windshift/contract/event.ts";

const ROOT = resolve(import.meta.dir, "..");
/** What differs between two runs of the same story. */
const VOLATILE_FIELDS = new Set(["version", "duration_ms", "input_tokens", "output_tokens", "context_used"]);

type Told = Pick<RunEvent, "type" | "data">;

/** Writes a run's transcript as a file of JSON lines, as a runner reports it. */
export async function writeRecording(path: string, events: readonly StoredEvent[]): Promise<void> {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  const lines = events.map(({ seq, at, type, data }) => JSON.stringify({ seq, at, type, data }));
  await Bun.write(file, `${lines.join("\n")}\n`);
}

/** @throws when a line is no event of a run */
export function readRecording(path: string): RunEvent[] {
  const lines = readFileSync(join(ROOT, path), "utf8").trimEnd().split("\n");
  return lines.map((line) => RunEvent.parse(JSON.parse(line)));
}

/**
 * A transcript without what differs from run to run: numbers, times and ids, pieces in which text happened to come, what
 * was shown live, and how the checkout went.
 */
export function storyOf(events: readonly Told[]): Told[] {
  const ids = new Map<unknown, string>();
  const story: Told[] = [];
  for (const { type, data } of events) {
    if (type === "tool_output" || data.note === "progress") continue;
    const last = story.at(-1);
    if (type === "content" && last?.type === "content")
      last.data = { text: `${String(last.data.text)}${String(data.text)}` };
    else story.push({ type, data: stable(data, ids) });
  }
  return story;
}

function stable(data: RunEvent["data"], ids: Map<unknown, string>): RunEvent["data"] {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => {
      if (name === "id") {
        const known = ids.get(value) ?? `id-${ids.size + 1}`;
        ids.set(value, known);
        return [name, known];
      }
      return [name, VOLATILE_FIELDS.has(name) ? "…" : value];
    }),
  );
}

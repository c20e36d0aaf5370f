import type { FileHandle } from "node:fs/promises";
import { z } from "zod";

/** What a spool knows beside its events: how far the server is, and what text was dropped that the transcript does not yet tell of. */
const SpoolProgress = z.object({
  acked: z.int().min(0),
  missing_events: z.int().min(0),
  missing_bytes: z.int().min(0),
});
export type SpoolProgress = z.infer<typeof SpoolProgress>;

/** Three numbers with their names fit. Always as long, so that it is written in place: a full disk has the room, and a kill finds it whole. */
const PROGRESS_BYTES = 128;
const NOTHING: SpoolProgress = { acked: 0, missing_events: 0, missing_bytes: 0 };

/** What was written last; zeros when that cannot be read: the server knows what it has, and events are safe to send twice. */
export async function readProgress(file: FileHandle): Promise<SpoolProgress> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(PROGRESS_BYTES), 0, PROGRESS_BYTES, 0);
  try {
    return SpoolProgress.parse(JSON.parse(buffer.toString("utf8", 0, bytesRead)));
  } catch {
    return { ...NOTHING };
  }
}

/** Overwrites the record in place: always the same number of bytes, in one write. Not synced: an old one only repeats events. */
export async function writeProgress(file: FileHandle, progress: SpoolProgress): Promise<void> {
  const line = `${JSON.stringify(progress).padEnd(PROGRESS_BYTES - 1)}\n`;
  await file.write(Buffer.from(line), 0, PROGRESS_BYTES, 0);
}

import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** 12 hex digits: unique among the installations that share an engine, and short enough for container names. */
const INSTANCE = /^[0-9a-f]{12}$/;

/**
 * The name of this installation's runner, kept in the data folder, so that after a crash it knows its own containers
 * and the server knows which attempts died with it.
 */
export async function readInstance(dataDir: string): Promise<string> {
  const file = join(dataDir, "runner-instance");
  const known = (await readFile(file, "utf8").catch(() => "")).trim();
  if (INSTANCE.test(known)) return known;
  const fresh = randomBytes(6).toString("hex");
  await writeFile(file, `${fresh}\n`, { mode: 0o600 });
  return fresh;
}

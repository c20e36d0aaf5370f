import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDurably } from "@windshift/execution/durable-file.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";

const INSTANCE = /^[0-9a-f]{12}$/;

export interface InstanceOptions {
  /** File of the name, absolute. */
  file: string;
  /** The name that the server has for this host. */
  ask: () => Promise<string>;
  log: JobLog;
}

/**
 * The name by which this host knows its own containers after a crash: as it is kept since the registration. A file that has lost it is
 * mended with the server's word. Where there never was one, as with a credential that was brought here, the host gets a name of its
 * own: another may be at work with the server's on the same engine, until this start fences it.
 * @throws AppError when the name is lost and the server cannot be asked
 */
export async function obtainInstance({ file, ask, log }: InstanceOptions): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  const kept = text?.trim() ?? "";
  if (INSTANCE.test(kept)) return kept;
  const instance = text === undefined ? randomBytes(6).toString("hex") : await ask();
  if (text === undefined) log.info("containers of this host get a name", { file, instance });
  else
    log.warn("the name of this host's containers was damaged; the server told it again", { file, instance });
  await keepInstance(file, instance);
  return instance;
}

/**
 * Keeps the name that the server gave at a registration. A host that is registered again stays who it was: its containers have the former
 * name. Durable when it resolves.
 */
export async function takeInstance(file: string, instance: string): Promise<void> {
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (!INSTANCE.test(kept)) await keepInstance(file, instance);
}

/** Durable when it resolves. */
async function keepInstance(file: string, instance: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o711 });
  await writeDurably(file, `${instance}\n`);
}

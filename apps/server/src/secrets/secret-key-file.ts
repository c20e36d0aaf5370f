import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { type MasterKey, masterKey } from "./secret-box.ts";

const HEX = /^[0-9a-f]{64}$/i;

/** Where the key is kept that no setting gives. */
export function secretKeyFile(dataDir: string): string {
  return join(dataDir, "secret-key");
}
/** The key before it, while what it sealed is sealed anew. */
export function previousKeyFile(dataDir: string): string {
  return join(dataDir, "secret-key.previous");
}

export interface KeySettings {
  /** WINDSHIFT_SECRET_KEY, 64 hex digits. */
  key: string | undefined;
  /** WINDSHIFT_SECRET_KEY_PREVIOUS */
  previous: string | undefined;
}

/**
 * The master key: the setting's, else the file in the data folder, which is made (mode 0600) when the installation is new.
 * With the key before it, from the setting or the file of that name, while a change of keys is under way.
 * @param isNew whether the database has never seen a key; only then is one made up
 * @throws AppError `invalid_input` when there is no key for a database that has one, or the file is not a key
 */
export async function readMasterKey(
  settings: KeySettings,
  dataDir: string,
  isNew: () => Promise<boolean>,
): Promise<MasterKey> {
  const key = settings.key === undefined ? await readKeyFile(dataDir, isNew) : fromHex(settings.key);
  const previous =
    settings.previous === undefined
      ? await readStoredKey(previousKeyFile(dataDir))
      : fromHex(settings.previous);
  return previous === undefined || previous.id === key.id ? key : { ...key, previous };
}

/** Ends a change of keys that went by the files: the key before is not needed any more. */
export async function forgetPreviousKeyFile(dataDir: string): Promise<void> {
  await rm(previousKeyFile(dataDir), { force: true });
}

/**
 * Makes a new key beside the one in the file; the next start seals everything anew. Safe to repeat after a crash at any
 * moment: a key that sealed something is never without a file.
 * @throws AppError `conflict` while an earlier change is not through
 */
export async function replaceKeyFile(dataDir: string): Promise<MasterKey> {
  const [file, previous] = [secretKeyFile(dataDir), previousKeyFile(dataDir)];
  const [now, before] = [await readStoredKey(file), await readStoredKey(previous)];
  if (now === undefined)
    throw new AppError(
      "invalid_input",
      `there is no key in ${file}. A key from WINDSHIFT_SECRET_KEY is changed by setting the new one, and the former one as WINDSHIFT_SECRET_KEY_PREVIOUS.`,
    );
  if (before !== undefined && before.id !== now.id)
    throw new AppError(
      "conflict",
      `${previous} is still there: start the server once, it ends the last change of keys`,
    );
  const next = `${file}.next`;
  await rm(next, { force: true });
  const made = await createKeyFile(next);
  if (before === undefined) await link(file, previous);
  await rename(next, file);
  return made;
}

async function readKeyFile(dataDir: string, isNew: () => Promise<boolean>): Promise<MasterKey> {
  const file = secretKeyFile(dataDir);
  const stored = await readStoredKey(file);
  if (stored === undefined) {
    if (await isNew()) return createKeyFile(file);
    throw new AppError(
      "invalid_input",
      `the database was used with a secret key, but neither WINDSHIFT_SECRET_KEY nor the file ${file} is there. Put the former key back.`,
    );
  }
  return stored;
}

/** The key in a file; undefined when there is no file. */
async function readStoredKey(file: string): Promise<MasterKey | undefined> {
  const text = (await readFile(file, "utf8").catch(() => undefined))?.trim();
  if (text === undefined) return undefined;
  if (!HEX.test(text))
    throw new AppError(
      "invalid_input",
      `the file ${file} does not hold a key of 64 hex digits. Put the former key back.`,
    );
  return fromHex(text);
}

function fromHex(text: string): MasterKey {
  return masterKey(Buffer.from(text, "hex"));
}

/** `wx`: of two servers that start at once on one folder, one makes the key and the other fails and is started again. */
async function createKeyFile(file: string): Promise<MasterKey> {
  const bytes = randomBytes(32);
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(`${bytes.toString("hex")}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return masterKey(bytes);
}

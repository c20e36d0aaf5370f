import { randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@windshift/contract/app-error.ts";
import { type MasterKey, masterKey } from "./secret-box.ts";

const HEX = /^[0-9a-f]{64}$/i;

/** Where the key is kept that no setting gives. */
export function secretKeyFile(dataDir: string): string {
  return join(dataDir, "secret-key");
}

/**
 * The master key: the setting's, else the file in the data folder, which is made (mode 0600) when the installation is new.
 * @param isNew whether the database has never seen a key; only then is one made up
 * @throws AppError `invalid_input` when there is no key for a database that has one, or the file is not a key
 */
export async function readMasterKey(
  setting: string | undefined,
  dataDir: string,
  isNew: () => Promise<boolean>,
): Promise<MasterKey> {
  if (setting !== undefined) return masterKey(Buffer.from(setting, "hex"));
  const file = secretKeyFile(dataDir);
  const stored = await readFile(file, "utf8").catch(() => undefined);
  if (stored === undefined) {
    if (await isNew()) return createKeyFile(file);
    throw new AppError(
      "invalid_input",
      `the database was used with a secret key, but neither WINDSHIFT_SECRET_KEY nor the file ${file} is there. Put the former key back.`,
    );
  }
  const text = stored.trim();
  if (!HEX.test(text))
    throw new AppError(
      "invalid_input",
      `the file ${file} does not hold a key of 64 hex digits. Put the former key back.`,
    );
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

import { type Clock, systemClock } from "@windshift/base/clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { sealAnew } from "./key-change.ts";
import type { MasterKey } from "./secret-box.ts";
import { forgetPreviousKeyFile } from "./secret-key-file.ts";

/** Time between rounds, ms: another server may still seal with the key before until it is started anew. */
const ROUND_MS = 10_000;
/** Rounds in a row that must find nothing of the former key: five minutes, in which every server has been started anew. */
const QUIET_ROUNDS = 30;

/**
 * Ends a change of keys beside everything else the server does. The key before is forgotten when nothing of it was found
 * for QUIET_ROUNDS; one that came from a setting is the operator's to remove, and the log says so.
 */
export async function runKeyChange(
  parts: { database: Database; masterKey: MasterKey },
  dataDir: string,
  log: Log,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const { database, masterKey } = parts;
  if (masterKey.previous === undefined) return;
  log.info(
    { key: masterKey.id, previous: masterKey.previous.id },
    "a new secret key takes the place of the former one",
  );
  for (let quiet = 0; !signal.aborted; ) {
    try {
      const changed = await sealAnew(database, masterKey);
      quiet = changed === 0 ? quiet + 1 : 0;
      if (quiet === QUIET_ROUNDS) {
        await forgetPreviousKeyFile(dataDir);
        log.info(
          { previous: masterKey.previous.id },
          "the former secret key is not needed any more: unset WINDSHIFT_SECRET_KEY_PREVIOUS if it is set",
        );
        return;
      }
      if (changed > 0) log.info({ changed }, "values were sealed with the new secret key");
    } catch (error) {
      log.error({ err: error }, "the change of the secret key goes on later");
    }
    await clock.sleep(ROUND_MS, signal);
  }
}

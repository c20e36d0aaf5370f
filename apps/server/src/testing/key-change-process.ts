import { writeSync } from "node:fs";
import { openDatabase } from "../db/database.ts";
import { sealAnew } from "../secrets/key-change.ts";
import { masterKey } from "../secrets/secret-box.ts";

/**
 * Changes keys in a process of its own, which a test kills: `key-change-process.ts URL|- SQLITE_FILE OLD NEW KILL_AT`. Begins
 * at the first byte of its input, and writes a byte for each value it has changed. After KILL_AT of them it kills itself;
 * with `-` it leaves that to others.
 */
const [url, sqliteFile = "", old = "", fresh = "", killAt] = process.argv.slice(2);
const database = await openDatabase({ url: url === "-" ? undefined : url, sqliteFile });
const previous = masterKey(Buffer.from(old, "hex"));
const told = (changed: number) => {
  if (String(changed) === killAt) process.kill(process.pid, "SIGKILL");
  if (changed > 0) writeSync(1, ".");
};
await Bun.stdin.stream().getReader().read();
told(0);
await sealAnew(database, { ...masterKey(Buffer.from(fresh, "hex")), previous }, told);
await database.close();

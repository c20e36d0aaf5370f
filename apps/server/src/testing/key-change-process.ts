import { openDatabase } from "../db/database.ts";
import { sealAnew } from "../secrets/key-change.ts";
import { masterKey } from "../secrets/secret-box.ts";

/** Changes keys in a process of its own, which a test kills: `key-change-process.ts URL|- SQLITE_FILE OLD NEW`. */
const [url, sqliteFile = "", old = "", fresh = ""] = process.argv.slice(2);
const database = await openDatabase({ url: url === "-" ? undefined : url, sqliteFile });
process.stdout.write("go\n");
const previous = masterKey(Buffer.from(old, "hex"));
await sealAnew(database, { ...masterKey(Buffer.from(fresh, "hex")), previous });
await database.close();
process.stdout.write("done\n");

import { openDatabase } from "../db/database.ts";
import { shortenAll } from "../retention/retention-loop.ts";

/**
 * `bun retention-process.ts DATABASE_URL|- SQLITE_FILE FOLDER`: moves every transcript of an ended run to the archive, and says `done`. Always
 * the same holder, so that it goes on where one that was killed was.
 */
const [url, sqliteFile = "", folder = ""] = process.argv.slice(2);
const database = await openDatabase({ url: url === "-" ? undefined : url, sqliteFile });
process.stdout.write("ready\n");
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const limits = {
  transcriptMs: 0,
  transcriptArchiveMs: undefined,
  auditMs: undefined,
  usageMs: undefined,
};
await shortenAll({ database, folder, limits, log }, "the one server", new AbortController().signal);
await database.close();
process.stdout.write("done\n");

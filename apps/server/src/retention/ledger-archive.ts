import { join } from "node:path";
import { turn } from "@windshift/base/turn.ts";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { uniqueMark, writeArchive } from "./archive-file.ts";

/** Rows read at once; a page of them is in memory. */
const PAGE_ROWS = 1_000;
/** Rows of one file: some megabytes, which a person can still open. */
const FILE_ROWS_MAX = 50_000;
/** Rows that one statement removes. */
const REMOVED_AT_ONCE = 500;
/** In `settings`: lines of the audit log from before this time may be deleted; the database's trigger reads it. UTC ms. */
const AUDIT_KEPT_FROM = "audit_kept_from_ms";

/** What only grows, by id: who did what, and what calls of models took. */
export type Ledger = "audit" | "usage";

/**
 * Moves the rows of a ledger's old end from the database to a file, one file a call. Removed is only what lies in a file that was read
 * back; should the process end between the two, the next file holds those rows once more (their ids tell).
 * @param beforeMs rows from before this time, UTC ms
 * @param rowsMax of the file; less in tests
 * @returns rows that were moved; 0 when none is that old
 * @throws AppError `unavailable` when the archive cannot be written to
 */
export async function archiveLedger(
  database: Database,
  folder: string,
  ledger: Ledger,
  beforeMs: number,
  rowsMax = FILE_ROWS_MAX,
): Promise<number> {
  const [first] = await readPage(database, ledger, 0, beforeMs, 1);
  if (first === undefined) return 0;
  const file = `${ledger}/${ledger}-${String(first.id).padStart(10, "0")}-${uniqueMark()}.jsonl.gz`;
  const span = { count: 0, lastId: 0 };
  const { lines } = await writeArchive(
    join(folder, file),
    linesOf(database, ledger, beforeMs, rowsMax, span),
  );
  if (ledger === "audit") await openAuditEnd(database, beforeMs, lines, file);
  await removeUpTo(database, ledger, span.lastId, beforeMs);
  return lines;
}

async function* linesOf(
  database: Database,
  ledger: Ledger,
  beforeMs: number,
  rowsMax: number,
  span: { count: number; lastId: number },
): AsyncGenerator<string> {
  while (span.count < rowsMax) {
    const limit = Math.min(PAGE_ROWS, rowsMax - span.count);
    const rows = await readPage(database, ledger, span.lastId, beforeMs, limit);
    for (const row of rows) {
      yield JSON.stringify(row);
      span.count++;
      span.lastId = row.id;
    }
    if (rows.length < limit) return;
  }
}

/** The next rows by id, up to the first that is not old: read along the key, however long the ledger is. */
async function readPage(
  { kysely: db }: Database,
  ledger: Ledger,
  afterId: number,
  beforeMs: number,
  limit: number,
): Promise<{ id: number }[]> {
  const [rows, atMs] =
    ledger === "audit"
      ? [
          await db
            .selectFrom("audit_log")
            .selectAll()
            .where("id", ">", afterId)
            .orderBy("id")
            .limit(limit)
            .execute(),
          "at_ms" as const,
        ]
      : [
          await db
            .selectFrom("run_usage")
            .selectAll()
            .where("id", ">", afterId)
            .orderBy("id")
            .limit(limit)
            .execute(),
          "created_at_ms" as const,
        ];
  const young = rows.findIndex((row) => Number((row as Record<string, unknown>)[atMs]) >= beforeMs);
  return young === -1 ? rows : rows.slice(0, young);
}

/** The log says of itself that it was shortened, and where the rest is, in the transaction that permits it. */
function openAuditEnd(database: Database, beforeMs: number, lines: number, file: string): Promise<void> {
  return database.transaction(async (tx) => {
    const value = String(beforeMs);
    await tx
      .insertInto("settings")
      .values({ key: AUDIT_KEPT_FROM, value })
      .onConflict((oc) => oc.column("key").doUpdateSet({ value }))
      .execute();
    await record(tx, {
      workspaceId: null,
      actor: "system",
      action: "audit.shortened",
      subject: `lines before ${new Date(beforeMs).toISOString()}`,
      data: { lines, file },
    });
  });
}

async function removeUpTo(
  { kysely: db }: Database,
  ledger: Ledger,
  lastId: number,
  beforeMs: number,
): Promise<void> {
  for (;;) {
    const table = ledger === "audit" ? "audit_log" : "run_usage";
    const ids = await db
      .selectFrom(table)
      .select("id")
      .where("id", "<=", lastId)
      .orderBy("id")
      .limit(REMOVED_AT_ONCE)
      .execute();
    const to = ids.at(-1)?.id;
    if (to === undefined) return;
    const { numDeletedRows } =
      ledger === "audit"
        ? await db
            .deleteFrom("audit_log")
            .where("id", "<=", to)
            .where("at_ms", "<", beforeMs)
            .executeTakeFirst()
        : await db
            .deleteFrom("run_usage")
            .where("id", "<=", to)
            .where("created_at_ms", "<", beforeMs)
            .executeTakeFirst();
    // Nothing but what another server just took, or the clock of a line says otherwise: the next look decides.
    if (numDeletedRows === 0n) return;
    await turn();
  }
}

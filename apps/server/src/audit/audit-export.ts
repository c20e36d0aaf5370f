import { turn } from "@windshift/base/turn.ts";
import type { AuditLine } from "@windshift/contract/api/audit.ts";
import type { Database } from "../db/database.ts";
import { type AuditQuery, listAuditForExport } from "./audit-list.ts";

export type AuditFormat = "jsonl" | "csv";

/** Lines read from the database at once. */
const PAGE = 500;
const COLUMNS = ["id", "at", "workspace", "actor", "actor_name", "action", "subject", "data"] as const;
/** Characters that move a terminal's cursor, change its colours, break a line, cannot be seen or turn the direction of writing. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** The audit log as a file, newest first. Read page by page at the pace of who reads it (WB-18). */
export function exportAudit(
  database: Database,
  query: Omit<AuditQuery, "before" | "limit">,
  format: AuditFormat,
): ReadableStream<Uint8Array> {
  const parts = produce(database, query, format);
  return new ReadableStream({
    pull: async (controller) => {
      const next = await parts.next();
      if (next.done) controller.close();
      else controller.enqueue(Buffer.from(next.value));
      // SQLite answers at once, and a reader nearby takes pages as fast as they are made: nobody else would get a turn (I17).
      await turn();
    },
    cancel: async () => void (await parts.return(undefined)),
  });
}

async function* produce(
  database: Database,
  query: Omit<AuditQuery, "before" | "limit">,
  format: AuditFormat,
): AsyncGenerator<string> {
  if (format === "csv") yield `${COLUMNS.join(",")}\r\n`;
  let before: number | undefined;
  for (;;) {
    const page = await listAuditForExport(database, { ...query, before, limit: PAGE });
    if (page.length > 0) yield page.map(format === "csv" ? csvLine : jsonLine).join("");
    if (page.length < PAGE) return;
    before = page.at(-1)?.id;
  }
}

/** One object a line; what JSON leaves as it is and a terminal does not is written as an escape. */
export function jsonLine(line: AuditLine): string {
  return `${JSON.stringify(line).replace(HIDDEN, escapeOf)}\n`;
}

/** One row of RFC 4180, every cell quoted; no cell is a formula, and no control character is left. */
export function csvLine(line: AuditLine): string {
  const { actor, data } = line;
  const values = [
    String(line.id),
    line.at,
    line.workspace ?? "",
    actor.id === "" ? actor.kind : `${actor.kind} ${actor.id}`,
    actor.name ?? "",
    line.action,
    line.subject,
    JSON.stringify(data),
  ];
  return `${values.map(csvCell).join(",")}\r\n`;
}

/** In quotes, and with an apostrophe before what would be a formula. */
function csvCell(value: string): string {
  const visible = (FORMULA.test(value) ? `'${value}` : value).replace(HIDDEN, escapeOf);
  return `"${visible.replaceAll('"', '""')}"`;
}

/** As JSON writes it: each 16-bit unit as an escape. */
function escapeOf(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}

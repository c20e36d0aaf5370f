import { type RawBuilder, sql } from "kysely";

/**
 * Whether a column holds a text that a person typed, letter by letter: `%` and `_` are what they are, and case is not
 * looked at (of ASCII letters on SQLite). The text is a bound value, and neither engine can be made to search for long:
 * there is one wildcard on each side (WB-16).
 */
export function containsText(column: string, text: string): RawBuilder<boolean> {
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
  return sql<boolean>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`;
}

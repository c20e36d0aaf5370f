import { createHash } from "node:crypto";

/** Statements that one connection keeps planned. A plan takes some 50 KB of PostgreSQL, and one server has some ten connections. */
const STATEMENTS_MAX = 100;
/** How often a text comes before it is kept: one that comes once, such as of an unusual number of rows, is not worth its room. */
const SEEN_MIN = 2;
/** Texts that are counted; then the count begins anew. */
const COUNTED_MAX = 1_000;

/** The statements of one PostgreSQL connection that are planned once and then called by name. */
export class PreparedStatements {
  private readonly names = new Map<string, string>();
  private seen = new Map<string, number>();

  /** @returns the name to call it by; undefined when it is to be planned each time */
  nameOf(text: string): string | undefined {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    if (this.names.size >= STATEMENTS_MAX || !this.isFrequent(text) || hasOpenColumns(text)) return undefined;
    const name = `windshift_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
    this.names.set(text, name);
    return name;
  }

  private isFrequent(text: string): boolean {
    if (this.seen.size >= COUNTED_MAX) this.seen = new Map();
    const count = (this.seen.get(text) ?? 0) + 1;
    this.seen.set(text, count);
    return count >= SEEN_MIN;
  }
}

/**
 * Whether it reads whatever columns there are. PostgreSQL refuses to repeat such a statement once a newer server's migration has
 * added one.
 */
function hasOpenColumns(text: string): boolean {
  return /(?:\bselect|\breturning|,)\s+(?:distinct\s+)?(?:[\w"]+\.)?\*/i.test(text);
}

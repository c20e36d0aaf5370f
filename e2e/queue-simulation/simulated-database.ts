import { Database as SqliteFile, type Statement } from "bun:sqlite";
import { runTransaction } from "../../apps/server/src/db/after-commit.ts";
import type { Database } from "../../apps/server/src/db/database.ts";
import { migrate } from "../../apps/server/src/db/migrate.ts";
import { LocalSignals } from "../../apps/server/src/db/signals.ts";
import { kyselyOn } from "../../apps/server/src/testing/kysely-on.ts";
import type { Entry } from "./auditor.ts";

/** The database's clock, as the product's statements ask for it, and the virtual one in its place. */
const REAL_CLOCK = "cast(unixepoch('subsec') * 1000 as integer)";
const VIRTUAL_CLOCK = "(select now_ms from simulated_clock)";
const ANY_CLOCK = /unixepoch|julianday|current_timestamp|strftime|datetime\(/i;

/** Neither writes nor asks for the time: most statements. */
const PLAIN = /^\s*(?:begin|commit|rollback)\b/i;
const READS = /^\s*select\b/i;

/** SQLite in memory whose `now` is the virtual clock's. Everything else is the product's own. */
class ClockedSqlite extends SqliteFile {
  /** Every text that was asked of it. */
  readonly texts = new Set<string>();
  /** Told before each statement that writes or asks for the time. */
  before: (writes: boolean) => void = () => {};

  override prepare: SqliteFile["prepare"] = (text, ...rest) => {
    const virtual = text.replaceAll(REAL_CLOCK, VIRTUAL_CLOCK);
    if (ANY_CLOCK.test(virtual)) throw new Error(`a statement asks for the real time: ${text}`);
    this.texts.add(virtual);
    return this.watched(super.prepare(virtual, ...rest), virtual);
  };

  private watched<S extends Statement>(statement: S, text: string): S {
    const writes = !READS.test(text);
    if (PLAIN.test(text) || (!writes && !text.includes(VIRTUAL_CLOCK))) return statement;
    for (const name of ["all", "run"] as const) {
      const method = statement[name] as (...values: unknown[]) => unknown;
      Object.defineProperty(statement, name, {
        value: (...values: unknown[]) => {
          this.before(writes);
          return method.apply(statement, values);
        },
      });
    }
    return statement;
  }
}

const HELD = (row: string) =>
  `case when ${row}.status = 'running' and ${row}.lease_expires_at_ms is not null then 1 else 0 end`;
const ENTRY = (kind: string, attempt: string, state: string) =>
  `insert into simulated_journal (tx, kind, run, attempt, current, live, status, phase, runner, pool, workspace, item, agent)
   select (select tx from simulated_clock), '${kind}', ${state}.id, ${attempt}, ${state}.attempt, ${HELD(state)}, ${state}.status,
     ${state}.phase, ${state}.runner_id, ${state}.pool_id, ${state}.workspace_id, ${state}.work_item_id, ${state}.agent_user_id`;
const CHANGED = ["status", "attempt", "runner_id"]
  .map((column) => `OLD.${column} is not NEW.${column}`)
  .concat("(OLD.lease_expires_at_ms is null) <> (NEW.lease_expires_at_ms is null)")
  .join(" or ");

/** Who changed what, written down by the database itself; nothing of the product knows of it. */
const JOURNAL = [
  "create table simulated_clock (now_ms integer not null, tx integer not null)",
  `create table simulated_journal (id integer primary key, tx int, kind text, run int, attempt int, current int, live int, status text,
     phase text, runner int, pool int, workspace int, item int, agent text)`,
  `create trigger simulated_new after insert on runs begin ${ENTRY("run", "NEW.attempt", "NEW")}; end`,
  `create trigger simulated_change after update on runs when ${CHANGED} begin ${ENTRY("run", "NEW.attempt", "NEW")}; end`,
  `create trigger simulated_event after insert on run_events when NEW.seq > 0
     begin ${ENTRY("event", "NEW.attempt", "r")} from runs r where r.id = NEW.run_id; end`,
  `create trigger simulated_result after update of result on runs when NEW.result is not null and OLD.result is not NEW.result
     begin ${ENTRY("result", "json_extract(NEW.result, '$.attempt')", "OLD")}; end`,
  `create trigger simulated_push after update of pushed_oid on runs when NEW.pushed_oid is not null and OLD.pushed_oid is not NEW.pushed_oid
     begin ${ENTRY("push", "NEW.attempt", "OLD")}; end`,
];

interface Lapsed {
  id: number;
  lease_expires_at_ms: number;
}
const LAPSED =
  "select id, lease_expires_at_ms from runs where status = 'running' and lease_expires_at_ms < ? order by id";

/** One database for all simulated servers, in memory, with a journal of what was done in it. */
export class SimulatedDatabase {
  private tx = 0;
  /** The clock's row is behind; it is written when a statement comes that may see it. */
  private isClockBehind = false;
  private isWritten = false;

  private constructor(
    private readonly sqlite: ClockedSqlite,
    readonly kysely: Database["kysely"],
    private nowMs: number,
    private readonly setClock: (nowMs: number, tx: number) => void,
    private readonly takeEntries: () => Entry[],
    private readonly findLapsed: (atMs: number) => Lapsed[],
  ) {
    sqlite.before = (writes) => {
      if (writes) this.isWritten = true;
      if (!this.isClockBehind) return;
      this.isClockBehind = false;
      this.setClock(this.nowMs, this.tx);
    };
  }

  static async open(nowMs: number): Promise<SimulatedDatabase> {
    const sqlite = new ClockedSqlite(":memory:");
    sqlite.run("PRAGMA foreign_keys = ON");
    // Before the migrations: they ask for the time too.
    const [clock = "", ...journal] = JOURNAL;
    sqlite.run(clock);
    sqlite.run(`insert into simulated_clock values (${nowMs}, 0)`);
    const kysely = kyselyOn(sqlite);
    await migrate(onto(kysely, (work) => runTransaction(kysely, work)));
    for (const statement of journal) sqlite.run(statement);
    const set = plain<[number, number]>(sqlite, "update simulated_clock set now_ms = ?, tx = ?");
    const read = plain<[], Entry>(sqlite, "select * from simulated_journal order by id");
    const clear = plain<[]>(sqlite, "delete from simulated_journal");
    const lapsed = plain<[number], Lapsed>(sqlite, LAPSED);
    sqlite.texts.clear();
    return new SimulatedDatabase(
      sqlite,
      kysely,
      nowMs,
      (ms, tx) => void set.run(ms, tx),
      () => {
        const entries = read.all();
        if (entries.length > 0) clear.run();
        return entries;
      },
      (atMs) => lapsed.all(atMs),
    );
  }

  /**
   * As one server has it.
   * @param around is told of each transaction before it begins and after it is committed, and may end the server by throwing
   */
  as(around: () => Promise<void>): Database {
    return onto(this.kysely, async (work) => {
      await around();
      const result = await runTransaction(this.kysely, (tx) => {
        this.tx++;
        this.isClockBehind = true;
        return work(tx);
      });
      await around();
      return result;
    });
  }

  /** Between transactions only. */
  setNow(ms: number): void {
    this.nowMs = ms;
    this.isClockBehind = true;
  }

  /** What was done since the last time. */
  take(): Entry[] {
    if (!this.isWritten) return [];
    this.isWritten = false;
    return this.takeEntries();
  }

  /** Runs that are held although their lease lapsed before this time, ms. */
  lapsedBefore(atMs: number): Lapsed[] {
    return this.findLapsed(atMs);
  }

  /** Statements so far for which SQLite reads every row of a table, each with what it says of them. */
  scansOf(table: string): string[] {
    const reads = new RegExp(`^SCAN ${table}(?! USING)`);
    return [...this.sqlite.texts].flatMap((text) => {
      if (!/^\s*(?:select|update|delete|with)\b/i.test(text) || !text.includes(table)) return [];
      const plan = plain<[], { detail: string }>(this.sqlite, `explain query plan ${text}`);
      const scans = plan.all().filter(({ detail }) => reads.test(detail));
      plan.finalize();
      return scans.map(({ detail }) => `${detail}: ${text}`);
    });
  }

  async close(): Promise<void> {
    await this.kysely.destroy();
    this.sqlite.close();
  }
}

/** A statement of the simulation itself: nobody is told of it. */
function plain<Values extends number[], Row = unknown>(sqlite: ClockedSqlite, text: string) {
  return SqliteFile.prototype.prepare.call(sqlite, text) as Statement<Row, Values>;
}

/** What the queue uses of a database. That a commit is on a disk, no world in memory can show: all kinds of transactions are one. */
function onto(kysely: Database["kysely"], transaction: Database["transaction"]): Database {
  const used = {
    engine: "sqlite" as const,
    kysely,
    leases: kysely,
    signals: new LocalSignals(),
    transaction,
    lateTransaction: transaction,
    repeatedTransaction: transaction,
    close: async () => {},
  };
  return used as Partial<Database> as Database;
}

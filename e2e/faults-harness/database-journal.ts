import { SQL } from "bun";
import { z } from "zod";

/**
 * The database itself writes down who changed what when: triggers in a table of ours see every change at the moment it is made, in its
 * order, with the state of the run at that moment. No program under test knows of them.
 */
const Entry = z.object({
  id: z.coerce.number(),
  /** `run`: attempt, status or holder changed. `overdraft`: a budget of this run, or of its agent, was exceeded. The others are effects of an attempt. */
  kind: z.enum(["run", "event", "result", "push", "overdraft"]),
  run: z.coerce.number(),
  /** Whose effect it is; for `run` the run's attempt. */
  attempt: z.coerce.number(),
  /** The run's attempt at that moment. */
  current: z.coerce.number(),
  /** 1 while a runner held the run, before this change. */
  live: z.coerce.number(),
  status: z.string(),
  runner: z.coerce.number().nullable(),
  at_ms: z.coerce.number(),
});
export type Entry = z.infer<typeof Entry>;

const COLUMNS = "kind, run, attempt, current, live, status, runner, at_ms";
const HELD = (row: string) =>
  `case when ${row}.status = 'running' and ${row}.lease_expires_at_ms is not null then 1 else 0 end`;
const CHANGED = ["status", "attempt", "runner_id", "cancel_requested_at_ms"]
  .map((column) => `OLD.${column} is distinct from NEW.${column}`)
  .concat("(OLD.lease_expires_at_ms is null) <> (NEW.lease_expires_at_ms is null)")
  .join(" or ");

/** Budgets of the agent, tokens: of a run, and of all in a month. Set, so that something is set aside for each call; no run comes near. */
export const TOKENS_OF_RUN_MAX = 20_000_000;
export const TOKENS_OF_MONTH_MAX = 400_000_000;

const EFFECTS = {
  runs: {
    on: "after update on runs",
    when: CHANGED,
    row: `'run', NEW.id, NEW.attempt, NEW.attempt, ${HELD("NEW")}, NEW.status, NEW.runner_id`,
    from: "",
  },
  events: {
    on: "after insert on run_events",
    when: "NEW.seq > 0",
    row: `'event', NEW.run_id, NEW.attempt, r.attempt, ${HELD("r")}, r.status, r.runner_id`,
    from: "from runs r where r.id = NEW.run_id",
  },
  results: {
    on: "after update on runs",
    when: "NEW.result is not null and OLD.result is distinct from NEW.result",
    row: `'result', NEW.id, {attempt}, OLD.attempt, ${HELD("OLD")}, OLD.status, OLD.runner_id`,
    from: "",
  },
  pushes: {
    on: "after update on runs",
    when: "NEW.pushed_oid is not null and OLD.pushed_oid is distinct from NEW.pushed_oid",
    row: `'push', NEW.id, NEW.attempt, OLD.attempt, ${HELD("OLD")}, OLD.status, OLD.runner_id`,
    from: "",
  },
  overdrafts: {
    on: "after update on budget_use",
    when: `NEW.tokens + NEW.held_tokens > case NEW.scope when 'run' then ${TOKENS_OF_RUN_MAX} when 'binding' then ${TOKENS_OF_MONTH_MAX} end`,
    row: "'overdraft', NEW.scope_id, 0, 0, 0, NEW.scope, null",
    from: "",
  },
} as const;

/**
 * Triggers in the server's own database that write down what became true of runs, in its order and by its clock, whatever the server
 * says.
 */
export class DatabaseJournal {
  private constructor(
    private readonly sql: SQL,
    readonly engine: "sqlite" | "postgres",
  ) {}

  /** @param url as in DATABASE_URL; undefined for the SQLite file */
  static async open(url: string | undefined, sqliteFile: string): Promise<DatabaseJournal> {
    const sql = new SQL(url ?? `sqlite://${sqliteFile}`, { max: 1 });
    const journal = new DatabaseJournal(sql, url === undefined ? "sqlite" : "postgres");
    await journal.watch();
    return journal;
  }

  async query<T extends z.ZodType>(statement: string, row: T): Promise<z.infer<T>[]> {
    return z.array(row).parse([...(await this.sql.unsafe(statement))]);
  }

  /** The first run of a work item of the only workspace, if it has one. */
  async findRun(itemKey: string): Promise<number | undefined> {
    const number = Number(itemKey.split("-").at(-1));
    const [row] = await this.query(
      `select r.id from runs r join work_items i on i.id = r.work_item_id where i.number = ${number} order by r.id limit 1`,
      z.object({ id: z.coerce.number() }),
    );
    return row?.id;
  }

  entries(): Promise<Entry[]> {
    return this.query(`select id, ${COLUMNS} from fault_journal order by id`, Entry);
  }

  /** Cuts every other connection to the database. */
  async terminateBackends(): Promise<void> {
    await this.sql.unsafe(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  }

  close(): Promise<void> {
    return this.sql.close();
  }

  private async watch(): Promise<void> {
    const sqlite = this.engine === "sqlite";
    if (sqlite) await this.sql.unsafe("pragma busy_timeout = 10000");
    const id = sqlite
      ? "integer primary key autoincrement"
      : "bigint generated always as identity primary key";
    await this.sql.unsafe(
      `create table fault_journal (id ${id}, kind text, run bigint, attempt bigint, current bigint, live int, status text, runner bigint, at_ms bigint)`,
    );
    for (const [name, effect] of Object.entries(EFFECTS)) {
      const attempt = sqlite
        ? "json_extract(NEW.result, '$.attempt')"
        : "((NEW.result::json)->>'attempt')::bigint";
      const now = sqlite
        ? "cast((julianday('now') - 2440587.5) * 86400000 as integer)"
        : "(extract(epoch from clock_timestamp()) * 1000)::bigint";
      const row = effect.row.replace("{attempt}", attempt);
      const insert = `insert into fault_journal (${COLUMNS}) select ${row}, ${now} ${effect.from};`;
      const trigger = `create trigger fault_${name} ${effect.on} for each row when (${effect.when})`;
      if (sqlite) await this.sql.unsafe(`${trigger} begin ${insert} end`);
      else {
        await this.sql.unsafe(
          `create function fault_${name}_note() returns trigger language plpgsql as $$ begin ${insert} return null; end $$`,
        );
        await this.sql.unsafe(`${trigger} execute function fault_${name}_note()`);
      }
    }
  }
}

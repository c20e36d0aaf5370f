import { z } from "zod";
import type { DatabaseJournal } from "./database-journal.ts";

const Numeric = z.coerce.number();
/** A line of the ledger; `status` 0 stands for all that a server had set aside when it ended. */
const Line = z.object({
  run: Numeric,
  status: Numeric,
  estimated: Numeric,
  tokens: Numeric,
});
const Hold = z.object({ run: Numeric, tokens: Numeric });
const Use = z.object({ scope: z.string(), id: Numeric, tokens: Numeric, held: Numeric });

/** What the database has of model calls when all is over. Tokens are those in and out, together. */
export interface Ledger {
  lines: z.infer<typeof Line>[];
  /** Set aside and neither used nor given back: by servers that were killed. Later it counts as spent. */
  holds: z.infer<typeof Hold>[];
  /** Counted on each budget. */
  uses: z.infer<typeof Use>[];
}

/** What the scripted model says each of its replies has used, tokens. */
export const REPLY_USAGE = { input_tokens: 100, output_tokens: 20 };
const REPLY_TOKENS = REPLY_USAGE.input_tokens + REPLY_USAGE.output_tokens;

/** Reads all three tables one after another, so only a server at rest gives a ledger that adds up. */
export async function readLedger(journal: DatabaseJournal): Promise<Ledger> {
  return {
    lines: await journal.query(
      "select run_id as run, status, estimated, coalesce(input_tokens, 0) + coalesce(output_tokens, 0) as tokens from run_usage order by id",
      Line,
    ),
    holds: await journal.query("select run_id as run, tokens from budget_holds", Hold),
    uses: await journal.query(
      "select scope, scope_id as id, sum(tokens) as tokens, sum(held_tokens) as held from budget_use group by scope, scope_id",
      Use,
    ),
  };
}

/**
 * What a ledger and the provider's own record do not agree on. Each call that reached the provider is one line, or is covered by
 * what a killed server had set aside; each line with a known use is a call; and budgets count exactly what the lines say.
 */
export function ledgerProblems({ lines, holds, uses }: Ledger, calls: readonly { run: number }[]): string[] {
  const wrong: string[] = [];
  for (const run of new Set([...calls, ...lines].map((one) => one.run))) {
    const of = <T extends { run: number }>(all: readonly T[]) => all.filter((one) => one.run === run);
    const reached = of(calls).length;
    const settled = of(lines).filter(({ status }) => status !== 0);
    const known = settled.filter(({ status, estimated }) => status === 200 && estimated === 0);
    const lost = of(lines).length > settled.length || of(holds).some(({ tokens }) => tokens > 0);
    if (known.length > reached) wrong.push(`run ${run}: ${known.length} calls written down, ${reached} made`);
    if (settled.length < reached && !lost)
      wrong.push(
        `run ${run}: ${reached} calls made, ${settled.length} written down and nothing kept for the rest`,
      );
    for (const { tokens } of known)
      if (tokens !== REPLY_TOKENS)
        wrong.push(`run ${run}: a call of ${REPLY_TOKENS} tokens counts ${tokens}`);
  }
  const runs = new Map(uses.filter(({ scope }) => scope === "run").map((use) => [use.id, use]));
  for (const [id, use] of runs) {
    const mine = <T extends { run: number }>(all: readonly T[]) => all.filter(({ run }) => run === id);
    if (use.tokens !== sum(mine(lines)) || use.held !== sum(mine(holds)))
      wrong.push(
        `run ${id}: its budget counts ${use.tokens} tokens and ${use.held} held, its lines ${sum(mine(lines))} and ${sum(mine(holds))}`,
      );
  }
  for (const scope of ["binding", "workspace"]) {
    const all = uses.filter((use) => use.scope === scope);
    const spent = all.reduce((total, { tokens }) => total + tokens, 0);
    const held = all.reduce((total, use) => total + use.held, 0);
    if (spent !== sum(lines) || held !== sum(holds))
      wrong.push(
        `the budget of the ${scope} counts ${spent} tokens and ${held} held, all lines ${sum(lines)} and ${sum(holds)}`,
      );
  }
  return wrong;
}

function sum(all: readonly { tokens: number }[]): number {
  return all.reduce((total, { tokens }) => total + tokens, 0);
}

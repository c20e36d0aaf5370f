import type { JobSpec } from "@windshift/contract/job.ts";
import { findRunByToken } from "../../apps/server/src/runs/run-tokens.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import type { Auditor } from "./auditor.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";

/** Tokens that are remembered, and tried at each look. */
const KEPT_MAX = 500;
const TRIED_EACH = 4;

/** I9: a token works exactly while its run is held and its attempt the current one. Tries tokens of all ages. */
export class TokenWatch {
  tried = 0;
  private readonly jobs: JobSpec[] = [];

  constructor(
    private readonly storage: SimulatedDatabase,
    private readonly auditor: Auditor,
    private readonly seeded: Seeded,
  ) {}

  add(job: JobSpec): void {
    if (this.jobs.length < KEPT_MAX) this.jobs.push(job);
    else this.jobs[this.seeded.between(0, KEPT_MAX - 1)] = job;
  }

  async look(): Promise<void> {
    if (this.jobs.length === 0) return;
    for (let left = TRIED_EACH; left > 0; left--) {
      const { run_id: run, attempt, tokens } = this.seeded.pick(this.jobs);
      const works = (await findRunByToken(this.storage.kysely, tokens.agent, "agent")) !== undefined;
      const row = this.auditor.find(run);
      const { canceled } = await this.storage.kysely
        .selectFrom("runs")
        .select("cancel_requested_at_ms as canceled")
        .where("id", "=", run)
        .executeTakeFirstOrThrow();
      const isLive = row?.live === 1 && row.attempt === attempt && canceled === null;
      this.tried++;
      if (works !== isLive)
        this.auditor.tell(
          `I9 run ${run}: the token of attempt ${attempt} ${works ? "works" : "does not work"}, and the run is ${row?.status} in attempt ${row?.attempt}`,
        );
    }
  }
}

import { AppError } from "@windshift/contract/app-error.ts";
import type { Forge } from "../../apps/server/src/runs/forge.ts";
import type { Seeded } from "../faults-harness/seeded.ts";
import type { VirtualClock } from "./virtual-clock.ts";

const BASE = "a".repeat(40);
/** Of its answers so many never come, and so many take longer than a server holds a run for publishing (10 s). */
const FAILS = 0.02;
const IS_SLOW = 0.01;
const SLOW_MS = 12_000;

/** Where branches are pushed to and pull requests opened; one for a branch, ever. */
export class SimulatedForge {
  private readonly branches = new Map<string, string>();
  private readonly pulls = new Map<string, number>();

  constructor(private readonly seeded: Seeded) {}

  push(branch: string, oid: string): void {
    this.branches.set(branch, oid);
  }

  async readBranch(branch: string): Promise<string | null> {
    return branch === "main" ? BASE : (this.branches.get(branch) ?? null);
  }

  port(clock: VirtualClock): Forge {
    return {
      readBranch: (_, branch) => this.readBranch(branch),
      compare: async () => ({ baseOid: BASE, commits: 1 }),
      openPullRequest: async ({ sourceBranch, title }) => {
        if (this.seeded.next() < IS_SLOW) await clock.sleep(SLOW_MS);
        // It is opened, and the answer is lost, as often as it is not opened.
        const isLost = this.seeded.next() < FAILS;
        if (isLost && this.seeded.next() < 0.5)
          throw new AppError("unavailable", "the forge does not answer");
        const number = this.pulls.get(sourceBranch) ?? this.pulls.size + 1;
        this.pulls.set(sourceBranch, number);
        if (isLost) throw new AppError("unavailable", "the answer of the forge was lost");
        return { url: `http://forge.test/pull/${number}`, title, state: "open" };
      },
    };
  }
}

import type { JobSpec } from "@windshift/contract/job.ts";
import type { ControlPlane } from "@windshift/execution/control-plane.ts";
import type { GitGrants } from "@windshift/git-broker/git-grant.ts";
import { z } from "zod";
import type { Forge } from "./runs/forge.ts";

/**
 * Moments at which a test makes the server die as in a power cut (F01, F05): always right after the moment was made
 * durable. The code that runs in production knows nothing of them; ports are wrapped where the server is composed.
 */
export const CrashPoint = z.enum([
  "claimed",
  "preparing",
  "agent",
  "exporting",
  "pushing",
  "pushed",
  "publishing",
  "pull_request_opened",
]);
export type CrashPoint = z.infer<typeof CrashPoint>;

/** Ends this process with SIGKILL when the moment is the chosen one; nothing runs after it. */
type Die = (moment: CrashPoint) => void;

/** Ends the process by SIGKILL at one chosen moment, for tests of what a crash leaves. Without a choice it does nothing. */
export class CrashPoints {
  constructor(private readonly chosen: CrashPoint | undefined) {}

  private readonly die: Die = (moment) => {
    if (moment === this.chosen) process.kill(process.pid, "SIGKILL");
  };

  claim<A extends unknown[]>(claim: (...args: A) => Promise<JobSpec | null>): typeof claim {
    return async (...args) => {
      const job = await claim(...args);
      if (job !== null) this.die("claimed");
      return job;
    };
  }

  controlPlane(inner: ControlPlane): ControlPlane {
    return {
      renew: (job) => inner.renew(job),
      notices: (job, signal) => inner.notices(job, signal),
      append: async (job, events) => {
        const reply = await inner.append(job, events);
        for (const event of events) {
          // In the middle of the agent's work: its container lives and has done something.
          if (event.type === "tool_done") this.die("agent");
          const phase = CrashPoint.exclude(["agent"]).safeParse(
            event.type === "lifecycle" ? event.data.phase : undefined,
          );
          if (phase.success) this.die(phase.data);
        }
        return reply;
      },
      report: async (job, result) => {
        const reply = await inner.report(job, result);
        this.die("publishing");
        return reply;
      },
    };
  }

  gitGrants(inner: GitGrants): GitGrants {
    return {
      find: async (run, token) => {
        const grant = await inner.find(run, token);
        if (grant === undefined) return undefined;
        const onPushed: typeof grant.onPushed = async (...push) => {
          await grant.onPushed(...push);
          this.die("pushed");
        };
        return { ...grant, onPushed };
      },
    };
  }

  forge(inner: Forge): Forge {
    return {
      ...inner,
      openPullRequest: async (draft) => {
        const opened = await inner.openPullRequest(draft);
        this.die("pull_request_opened");
        return opened;
      },
    };
  }
}

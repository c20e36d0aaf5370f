import {
  formatTraceparent,
  newSpanId,
  parseTraceparent,
  type TraceContext,
  type Tracing,
} from "@windshift/base/tracing.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { Checkout } from "./checkout.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { JobDeps } from "./job-deps.ts";
import type { Sandbox, SandboxContainer, SandboxExit } from "./sandbox.ts";
import { ROLE_LABEL } from "./sandbox-labels.ts";

/**
 * What a job works with, each of its long steps told as a span below the one that the job names. The same deps where no traces are
 * sent, or the server sends none.
 */
export function tracedDeps(deps: JobDeps, job: JobSpec, tracing: Tracing | undefined): JobDeps {
  const parent = job.traceparent === undefined ? undefined : parseTraceparent(job.traceparent);
  if (tracing === undefined || parent === undefined) return deps;
  const steps = new Steps(tracing, parent, { "windshift.run": job.run_id, "windshift.attempt": job.attempt });
  return {
    ...deps,
    controlPlane: tracedControlPlane(deps.controlPlane, steps),
    checkout: tracedCheckout(deps.checkout, steps),
    sandbox: tracedSandbox(deps.sandbox, steps),
  };
}

class Steps {
  constructor(
    private readonly tracing: Tracing,
    private readonly parent: TraceContext,
    private readonly attributes: Record<string, string | number>,
  ) {}

  /** @param failureOf says in a word why an answer is a failure; undefined when it is none */
  async step<T>(
    name: string,
    work: (context: TraceContext) => Promise<T>,
    failureOf: (answer: T) => string | undefined,
  ): Promise<T> {
    const startMs = Date.now();
    const { traceId } = this.parent;
    const spanId = newSpanId();
    const end = (failed: string | undefined) =>
      this.tracing.ended({
        name,
        traceId,
        spanId,
        parentId: this.parent.spanId,
        startMs,
        endMs: Date.now(),
        attributes: this.attributes,
        failed,
      });
    try {
      const answer = await work({ traceId, spanId });
      end(failureOf(answer));
      return answer;
    } catch (error) {
      end("error");
      throw error;
    }
  }
}

/** The server is told which span of ours the report belongs to, so that its own part of it finds its place. */
function tracedControlPlane(inner: ControlPlane, steps: Steps): ControlPlane {
  return {
    renew: (job) => inner.renew(job),
    append: (job, events) => inner.append(job, events),
    notices: (job, signal) => inner.notices(job, signal),
    report: (job, result) =>
      steps.step(
        "report",
        (context) => inner.report({ ...job, traceparent: formatTraceparent(context) }, result),
        (answer) => (answer === "accepted" ? undefined : answer),
      ),
  };
}

function tracedCheckout(inner: Checkout, steps: Steps): Checkout {
  const failureOf = (reply: { kind: string; reason?: string }) =>
    reply.kind === "failed" ? reply.reason : undefined;
  return {
    open: (job) => inner.open(job),
    close: (paths) => inner.close(paths),
    prepare: (...args) => steps.step("git checkout", () => inner.prepare(...args), failureOf),
    push: (...args) => steps.step("git push", () => inner.push(...args), failureOf),
  };
}

function tracedSandbox(inner: Sandbox, steps: Steps): Sandbox {
  return {
    isolation: inner.isolation,
    giveDir: (dir) => inner.giveDir(dir),
    removeDir: (dir) => inner.removeDir(dir),
    diskUse: (dir, signal) => inner.diskUse(dir, signal),
    sweep: (labels, keep) => inner.sweep(labels, keep),
    create: async (spec, options) => {
      const role = spec.labels[ROLE_LABEL] ?? "other";
      const created = await steps.step(
        `create ${role} container`,
        () => inner.create(spec, options),
        (answer) => ("reason" in answer ? answer.reason : undefined),
      );
      return "reason" in created ? created : tracedContainer(created, role, steps);
    },
  };
}

function tracedContainer(inner: SandboxContainer, role: string, steps: Steps): SandboxContainer {
  return {
    start: () => inner.start(),
    discard: () => inner.discard(),
    run: (...args) => steps.step(`${role} container`, () => inner.run(...args), failureOfExit),
  };
}

function failureOfExit(exit: SandboxExit): string | undefined {
  if (exit.kind !== "exited") return exit.kind;
  return exit.exitCode === 0 ? undefined : `exit code ${exit.exitCode}`;
}

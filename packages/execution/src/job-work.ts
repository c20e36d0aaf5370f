import { formatDuration } from "@windshift/base/duration.ts";
import { redact } from "@windshift/base/redact.ts";
import { truncateBytes } from "@windshift/base/truncate.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { Patch } from "@windshift/contract/changes.ts";
import type { EventData } from "@windshift/contract/event.ts";
import type { AttemptResult, JobSpec } from "@windshift/contract/job.ts";
import { PREPARE_MS_MAX, PUSH_MS_MAX, SUMMARY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { RunPhase } from "@windshift/contract/run.ts";
import { type AgentEnd, AgentSession } from "./agent-session.ts";
import type { AttemptPaths, PushReply } from "./checkout.ts";
import { CommitExport } from "./commit-export.ts";
import { limited } from "./deadline.ts";
import { HurriedLooks } from "./hurried-looks.ts";
import type { JobControl } from "./job-control.ts";
import type { JobDeps } from "./job-deps.ts";
import { agentFailure, canExport, exitCodeOf, failure, type JobFailure } from "./job-failure.ts";
import { agentSpec, exportSpec, promptOf } from "./job-spec.ts";
import type { NotStarted, SandboxContainer, SandboxSpec } from "./sandbox.ts";
import type { Transcript } from "./transcript.ts";
import { WORKSPACE_FILES_MAX, watchWorkspace } from "./workspace-watch.ts";

/** A container, or why there is none. */
type Created = SandboxContainer | NotStarted | JobFailure;

interface Prepared {
  container: SandboxContainer;
  paths: AttemptPaths;
  baseOid: string;
}

/** The phases of one job. What they find out is collected here and becomes the attempt's result. */
export class JobWork {
  private readonly startedMs: number;
  private paths: AttemptPaths | undefined;
  private session: AgentSession | undefined;
  private readonly waitingWords: { id: string; text: string }[] = [];
  private readonly containers: Promise<Created>[] = [];
  private exporting: Promise<CommitExport | JobFailure> | undefined;
  private baseOid: string | null = null;
  private headOid: string | null = null;
  private agent: AgentEnd | undefined;
  private delivered: AttemptResult["delivered"];

  constructor(
    private readonly job: JobSpec,
    private readonly deps: JobDeps,
    private readonly control: JobControl,
    private readonly transcript: Transcript,
  ) {
    this.startedMs = deps.clock.nowMs();
  }

  async run(): Promise<AttemptResult> {
    try {
      return this.result(await this.phases());
    } catch (error) {
      this.deps.log.error("a job failed in a way it should not", { run: this.job.run_id, error });
      const detail =
        error instanceof AppError ? error.message : "an internal error; the runner's log has the cause";
      return this.result(failure("internal", detail));
    }
  }

  /** Passes on a message of a person; one that comes before the agent listens waits for it. */
  say(id: string, text: string): void {
    if (this.session === undefined) this.waitingWords.push({ id, text });
    else if (!this.session.say(id, text))
      this.deps.log.info("a message came after the agent had ended", { run: this.job.run_id, id });
  }

  async cleanUp(): Promise<void> {
    const { checkout, log } = this.deps;
    for (const created of this.containers)
      await created
        .then((container) => ("run" in container ? container.discard() : undefined))
        .catch((error) => log.error("a container was not removed", { run: this.job.run_id, error }));
    const exporting = await this.exporting;
    if (exporting instanceof CommitExport) await exporting.close();
    if (this.paths === undefined) return;
    await checkout
      .close(this.paths)
      .catch((error) =>
        log.error("the folders of an attempt were not removed", { run: this.job.run_id, error }),
      );
  }

  private async phases(): Promise<JobFailure | null> {
    const prepared = await this.prepare();
    if (this.control.ending.aborted) return null;
    if ("reason" in prepared) return prepared;
    const { agent, outgrown } = await this.runWatched(prepared);
    this.agent = agent;
    const failed = outgrown ?? agentFailure(agent, this.job.limits.wall_clock_ms);
    if (this.control.ending.aborted || !canExport(agent.exit)) return failed;
    const kept = await this.keepCommits(prepared.paths, prepared.baseOid);
    return joined(failed, kept);
  }

  private async prepare(): Promise<Prepared | JobFailure> {
    const { checkout, clock, settings } = this.deps;
    this.phase("preparing");
    const paths = await checkout.open(this.job);
    if ("kind" in paths) return failure(paths.reason, paths.detail);
    this.paths = paths;
    const spec = agentSpec(this.job, paths, settings);
    if ("reason" in spec) return spec;
    const { value } = await limited(clock, PREPARE_MS_MAX, this.control.ending, (signal) =>
      this.fetch(spec, paths, signal),
    );
    return value;
  }

  /**
   * The container is created while the repository is fetched, and started if its user cannot enter the checkout yet: the
   * agent waits for its prompt. Whichever fails by itself ends the other and is the reason; when `signal` ends both, it is
   * the one that was not ready.
   */
  private async fetch(
    spec: SandboxSpec,
    paths: AttemptPaths,
    signal: AbortSignal,
  ): Promise<Prepared | JobFailure> {
    const { checkout, sandbox } = this.deps;
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const created = this.create(() => sandbox.create(spec, { signal: either, progress: this.progress }));
    void created.then((container) => {
      if ("reason" in container) failed.abort();
      else if (paths.closed && !either.aborted) container.start();
    });
    const reply = await checkout.prepare(this.job, paths, either, this.progress).catch((error) => {
      failed.abort();
      throw error;
    });
    if (reply.kind === "prepared") this.baseOid = reply.base_oid;
    else if (!either.aborted) {
      failed.abort();
      return failure(reply.reason, reply.detail);
    }
    const container = await created;
    if ("reason" in container) {
      const late = signal.aborted ? `${notReady("the container")}: ` : "";
      return failure(container.reason, `${late}${container.detail}`);
    }
    if (reply.kind === "failed") return failure("prepare_failed", notReady("the repository"));
    await sandbox.giveDir(paths.checkout);
    return { container, paths, baseOid: reply.base_oid };
  }

  /** Runs the agent as long as its files stay within their limit. */
  private async runWatched(prepared: Prepared): Promise<{ agent: AgentEnd; outgrown?: JobFailure }> {
    const { clock, log, sandbox, settings, hurriedLooks: hurried = new HurriedLooks() } = this.deps;
    const { workspaceBytesMax: bytesMax, workspaceFilesMax: filesMax = WORKSPACE_FILES_MAX } = settings;
    const kill = new AbortController();
    const running = this.runAgent(prepared, kill.signal);
    if (bytesMax === undefined) return { agent: await running };
    const over = new AbortController();
    const options = { dir: prepared.paths.checkout, bytesMax, filesMax, sandbox, hurried, clock, log };
    const watched = watchWorkspace(options, over.signal).then((outgrown) => {
      if (outgrown !== undefined) kill.abort();
      return outgrown;
    });
    const agent = await running.finally(() => over.abort());
    const outgrown = await watched;
    return outgrown === undefined ? { agent } : { agent, outgrown };
  }

  private async runAgent({ container, paths, baseOid }: Prepared, kill: AbortSignal): Promise<AgentEnd> {
    const { clock, settings } = this.deps;
    const session = new AgentSession({
      prompt: promptOf(this.job, settings),
      transcript: this.transcript,
      control: this.control,
      clock,
      secrets: this.secrets(),
      kill,
      wallClockMs: Math.max(1, this.startedMs + this.job.limits.wall_clock_ms - clock.nowMs()),
      // Started while the agent is still tidying up, released only when it is gone.
      // Whoever takes the commits out is told of a failure; until then nobody is there to hear of it.
      onFinish: () => void this.startExport(paths, baseOid).catch(() => undefined),
    });
    this.phase("agent");
    this.session = session;
    for (const { id, text } of this.waitingWords.splice(0)) session.say(id, text);
    return await session.run(container);
  }

  /** Starts the container that will take the commits out, once. */
  private startExport(paths: AttemptPaths, baseOid: string): Promise<CommitExport | JobFailure> {
    const { clock, sandbox, settings } = this.deps;
    const created = () => this.create(() => sandbox.create(exportSpec(this.job, paths, baseOid, settings)));
    this.exporting ??= created().then((container) =>
      "reason" in container
        ? failure(container.reason, container.detail)
        : new CommitExport(container, paths.bundle, clock, this.control.ending),
    );
    return this.exporting;
  }

  /** @returns why the commits could not be kept, or null */
  private async keepCommits(paths: AttemptPaths, baseOid: string): Promise<JobFailure | null> {
    const { checkout, clock } = this.deps;
    this.phase("exporting");
    const exporting = await this.startExport(paths, baseOid);
    if ("reason" in exporting) return exporting;
    const exported = await exporting.take();
    if (this.control.ending.aborted || exported.kind === "nothing") return null;
    if (exported.kind === "failed") return exported.failure;
    if (this.job.push !== false) this.phase("pushing");
    const { value, expired } = await limited(clock, PUSH_MS_MAX, this.control.ending, (signal) =>
      checkout.push(this.job, paths, baseOid, signal, this.progress),
    );
    const failed = this.pushed(value);
    if (!expired) return failed;
    return this.notPushed("push_rejected", `the push took longer than ${formatDuration(PUSH_MS_MAX)}`);
  }

  private pushed(reply: PushReply): JobFailure | null {
    if (reply.kind === "no_changes") return null;
    if (reply.kind === "pushed") this.headOid = reply.head_oid;
    const patch = reply.kind === "pushed" || reply.patch === undefined ? null : this.patchOf(reply.patch);
    const { files, more } = reply.changes ?? { files: [], more: 0 };
    const named = files.map((file) => ({ ...file, path: redact(file.path, this.secrets()) }));
    if (reply.changes !== undefined || patch !== null) this.delivered = { files: named, more, patch };
    if (reply.kind === "failed") return this.notPushed(reply.reason, reply.detail);
    if (reply.flattened)
      this.tell("warning", {
        message: "the agent had rewritten history below the base; its final state was taken as one commit",
      });
    return null;
  }

  private notPushed(reason: JobFailure["reason"], detail: string): JobFailure {
    return failure(reason, this.delivered?.patch == null ? detail : `${detail}\n${PATCH_KEPT}`);
  }

  private patchOf({ text, truncated }: Patch): Patch {
    return { text: redact(text, this.secrets()), truncated };
  }

  private create(make: () => Promise<SandboxContainer | NotStarted>): Promise<Created> {
    const created = make().catch((error): JobFailure => {
      this.deps.log.error("a container could not be created", { run: this.job.run_id, error });
      return failure(
        "engine",
        error instanceof AppError ? error.message : "the container could not be created",
      );
    });
    this.containers.push(created);
    return created;
  }

  private result(failed: JobFailure | null): AttemptResult {
    const finish = this.agent?.finish ?? null;
    const canceled = this.control.cause === "canceled" ? failure("canceled", "canceled on request") : null;
    return {
      attempt: this.job.attempt,
      isolation: this.deps.sandbox.isolation,
      outcome: finish?.outcome ?? null,
      summary: truncateBytes(redact(finish?.summary ?? "", this.secrets()), SUMMARY_BYTES_MAX),
      failure: canceled ?? failed,
      base_oid: this.baseOid,
      head_oid: this.headOid,
      exit_code: this.agent === undefined ? null : exitCodeOf(this.agent.exit),
      ...(this.delivered === undefined ? {} : { delivered: this.delivered }),
    };
  }

  private secrets(): string[] {
    return [this.job.tokens.agent, this.job.tokens.git];
  }

  private phase(phase: RunPhase): void {
    this.deps.onPhase?.(this.job, phase);
    this.tell("lifecycle", { phase });
  }

  private readonly progress = (line: string): void =>
    this.tell("lifecycle", { note: "progress", text: line });

  /** Not waited for: what the runner says is small, and no phase may stand still because the server does. */
  private tell(type: "lifecycle" | "warning", data: EventData): void {
    void this.transcript.fromRunner(type, data);
  }
}

const PATCH_KEPT = "What its commits change is kept with the run, as a patch that can be downloaded.";

function notReady(what: string): string {
  return `${what} was not ready within ${formatDuration(PREPARE_MS_MAX)}`;
}

/** The agent's failure is the reason; that its work could not be kept either is said with it. */
function joined(agent: JobFailure | null, kept: JobFailure | null): JobFailure | null {
  if (agent === null || kept === null) return agent ?? kept;
  return failure(agent.reason, `${agent.detail}. Its commits were not kept: ${kept.detail}`);
}

import { backoffMs } from "@windshift/base/backoff.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { carryStreams, type PipedChild } from "./child-streams.ts";
import type { DockerCli } from "./docker-cli.ts";
import { type FailedSpec, notStarted } from "./docker-errors.ts";
import { ContainerState, parseEngine, saysMissing, saysNothing } from "./docker-inspect.ts";
import type { SandboxContainer, SandboxExit, SandboxStreams } from "./sandbox.ts";

/**
 * How long an engine that went away (a restart, an upgrade) is waited for, to learn how a container ended and to remove
 * it, each: this many times the longest wait for one answer, so a minute.
 */
const PATIENCE_CALLS = 2;
/**
 * How long an engine that hangs may keep a running container to itself: asked each time after this many waits for one answer, and given
 * up after that many without any: half a minute and four minutes, about as long as a server may be out of reach.
 */
const LOOK_CALLS = 1;
const SILENT_CALLS_MAX = 8;
/** How long the attached command line may outlive its removed container, ms. */
const DETACH_MS_MAX = 5_000;
/** First and longest wait between tries, ms. */
const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 2_000;

/** Exit code of a container that was killed (128 + SIGKILL); with OOMKilled set, by its memory limit. */
const EXIT_SIGKILL = 137;

/** A created container, named by its id from here on: a name could be taken over, an id cannot. */
export class DockerContainer implements SandboxContainer {
  private gone = false;
  /** The attached command line, when `start` came before `run`. */
  private early: PipedChild | undefined;

  constructor(
    private readonly cli: DockerCli,
    private readonly id: string,
    private readonly spec: FailedSpec,
    /** It runs on this kernel, and so sees at once that a folder it was kept out of is now its own. */
    private readonly sharesKernel: boolean,
  ) {}

  start(): void {
    if (!this.sharesKernel) return;
    try {
      this.early ??= this.attach();
    } catch {
      // The command line cannot be started; run will find that out and say so.
    }
  }

  private get patienceMs(): number {
    return PATIENCE_CALLS * this.cli.callMsMax;
  }

  async run(streams: SandboxStreams, signal: AbortSignal): Promise<SandboxExit> {
    if (signal.aborted) return this.end({ kind: "killed" });
    // What could not be started early, or has already ended, is started again: it had no input yet.
    const attached = this.early !== undefined && isAlive(this.early) ? this.early : this.attach();
    let said = "";
    const kill = () => void this.kill(attached);
    signal.addEventListener("abort", kill, { once: true });
    const over = new AbortController();
    void this.watchEngine(attached, over.signal);
    try {
      await carryStreams(attached, {
        ...streams,
        onStderr: (chunk) => {
          if (said.length < 4_096) said += Buffer.from(chunk).toString("utf8");
          return streams.onStderr(chunk);
        },
      });
    } catch (error) {
      await this.kill(attached);
      throw error;
    } finally {
      signal.removeEventListener("abort", kill);
      over.abort();
    }
    const cliExit = await attached.exited;
    if (signal.aborted) return this.end({ kind: "killed" });
    const exit = await this.outcome(cliExit, said);
    if (exit.kind === "exited" || exit.kind === "oom") streams.onEnd?.(exit);
    return this.end(exit);
  }

  async discard(): Promise<void> {
    const gone = await this.remove();
    // Nobody may ever read what it says, so it does not get to say it.
    this.early?.kill("SIGKILL");
    if (!gone) throw new AppError("unavailable", this.unconfirmed());
  }

  private attach(): PipedChild {
    return this.cli.spawn(["start", "--attach", "--interactive", this.id]);
  }

  /** Removes the container; nothing is reported before that is seen to be done. */
  private async end(exit: SandboxExit): Promise<SandboxExit> {
    const gone = await this.remove();
    if (gone) return exit.kind === "lost" ? { ...exit, gone } : exit;
    return { kind: "lost", gone: false, detail: this.unconfirmed() };
  }

  private unconfirmed(): string {
    return `the container engine did not confirm within ${formatDuration(this.patienceMs)} that the container ${this.id} is removed; check docker ps`;
  }

  private async outcome(cliExit: number, said: string): Promise<SandboxExit> {
    // The command line has 0 only from a program that ended with it; every other code has several meanings.
    if (cliExit === 0) return { kind: "exited", exitCode: 0 };
    const found = await this.state();
    if (found.kind === "missing") return { kind: "exited", exitCode: cliExit };
    if (found.kind === "unknown") return lost(found.message);
    const { state } = found;
    if (state.Status === "created") {
      // 127 and 126: the engine found no such program in the image, or may not execute it.
      if (state.ExitCode === 127 || state.ExitCode === 126)
        return { kind: "exited", exitCode: state.ExitCode };
      return notStarted(state.Error || said, this.spec);
    }
    if (state.Running) return lost("the connection to the container broke");
    if (state.OOMKilled && state.ExitCode === EXIT_SIGKILL) return { kind: "oom" };
    // Whoever saw the end tells the same code. An engine that was killed ends what ran before when it starts again.
    if (state.ExitCode !== cliExit)
      return lost(`the connection to the container broke; it has ended with exit code ${state.ExitCode}`);
    return { kind: "exited", exitCode: state.ExitCode };
  }

  /** How the container stands, waiting for an engine that is just being restarted. */
  private async state(): Promise<
    { kind: "found"; state: ContainerState } | { kind: "missing" } | { kind: "unknown"; message: string }
  > {
    const deadlineMs = Date.now() + this.patienceMs;
    for (let tries = 1; ; tries++) {
      const answer = await this.cli.call(["container", "inspect", "--format", "{{json .State}}", this.id]);
      if (answer.kind === "ok") return { kind: "found", state: parseEngine(ContainerState, answer.stdout) };
      if (saysMissing(answer.message)) return { kind: "missing" };
      if (Date.now() > deadlineMs) return { kind: "unknown", message: answer.message };
      await systemClock.sleep(backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX));
    }
  }

  /** The attached command line of an engine that hangs says nothing and never ends; without it the run is seen to be lost. */
  private async watchEngine(attached: PipedChild, over: AbortSignal): Promise<void> {
    let heardMs = performance.now();
    while (!over.aborted) {
      await systemClock.sleep(LOOK_CALLS * this.cli.callMsMax, over);
      if (over.aborted) return;
      const answer = await this.cli.call(["container", "inspect", "--format", "{{.Id}}", this.id], {
        signal: over,
      });
      if (answer.kind === "ok" || !saysNothing(answer.message)) heardMs = performance.now();
      else if (performance.now() - heardMs > SILENT_CALLS_MAX * this.cli.callMsMax)
        return attached.kill("SIGKILL");
    }
  }

  private async kill(attached: PipedChild): Promise<void> {
    await this.remove();
    const timer = setTimeout(() => attached.kill("SIGKILL"), DETACH_MS_MAX);
    await attached.exited;
    clearTimeout(timer);
  }

  /** @returns true once the engine says that no container has this id */
  private async remove(): Promise<boolean> {
    const deadlineMs = Date.now() + this.patienceMs;
    for (let tries = 1; !this.gone; tries++) {
      await this.cli.call(["rm", "--force", "--volumes", this.id]);
      const answer = await this.cli.call(["container", "inspect", "--format", "{{.Id}}", this.id]);
      this.gone = answer.kind === "failed" && saysMissing(answer.message);
      if (this.gone) break;
      if (Date.now() > deadlineMs) return false;
      await systemClock.sleep(backoffMs(tries, RETRY_MS_FIRST, RETRY_MS_MAX));
    }
    return true;
  }
}

function isAlive(child: PipedChild): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function lost(message: string): SandboxExit {
  return {
    kind: "lost",
    gone: false,
    detail: `the container engine stopped answering while the agent ran: ${message}`,
  };
}

import type { Clock } from "@windshift/base/clock.ts";
import { type Line, LineSplitter } from "@windshift/base/jsonl.ts";
import { redact } from "@windshift/base/redact.ts";
import type { AgentInput, AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { ABORT_GRACE_MS, JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { agentInputLine } from "./agent-input.ts";
import { readAgentLine } from "./agent-output.ts";
import type { JobControl } from "./job-control.ts";
import type { SandboxContainer, SandboxExit } from "./sandbox.ts";
import { StdinQueue } from "./stdin-queue.ts";
import type { Transcript } from "./transcript.ts";

/** How much of the end of stderr is kept for the failure text, bytes. */
const STDERR_TAIL_BYTES = 2_000;
/** Longest piece of stderr that becomes one event, bytes. */
const STDERR_LINE_BYTES_MAX = 16_384;

export type Finish = Extract<AgentOutput, { type: "finish" }>;

/** How the agent's container ended, and what the agent had said by then. */
export interface AgentEnd {
  exit: SandboxExit;
  timedOut: boolean;
  /** It said it was done; if it then had to be killed, that was only tidying up. */
  idle: boolean;
  finish: Finish | null;
  /** Code of its last error line. */
  errorCode: string | null;
  /** Its last error line, else the end of its stderr. */
  lastWords: string;
}

export interface AgentSessionOptions {
  prompt: string;
  transcript: Transcript;
  control: JobControl;
  clock: Clock;
  /** Secrets that must not appear in `lastWords`. */
  secrets: readonly string[];
  /** Time until the agent is asked to end, ms. */
  wallClockMs: number;
  /** Kills the agent at once, for a reason that the caller knows. */
  kill: AbortSignal;
  /** Called once, as soon as the agent has said how its work ended. */
  onFinish: () => void;
}

/** One conversation with an agent over JSONL: the prompt and steering go in, events come out. */
export class AgentSession {
  private readonly stdin = new StdinQueue();
  private readonly stdout = new LineSplitter(JSONL_LINE_BYTES_MAX);
  private readonly stderr = new LineSplitter(STDERR_LINE_BYTES_MAX);
  private readonly ended = new AbortController();
  private readonly kill = new AbortController();
  private timedOut = false;
  private idle = false;
  private finish: Finish | null = null;
  private errorLine = "";
  private errorCode: string | null = null;
  private stderrTail = "";

  constructor(private readonly options: AgentSessionOptions) {
    this.send({ type: "prompt", message: options.prompt });
  }

  /** Passes a message of a person on. @returns false when the agent is past listening */
  say(id: string, text: string): boolean {
    return this.send({ type: "message", id, text });
  }

  /** Runs the container to its end, whoever brings that about. */
  async run(container: SandboxContainer): Promise<AgentEnd> {
    const { control, clock, wallClockMs } = this.options;
    const askToEnd = () => this.askToEnd();
    control.ending.addEventListener("abort", askToEnd, { once: true });
    if (control.ending.aborted) askToEnd();
    void this.after(clock.sleep(wallClockMs, this.ended.signal), () => {
      this.timedOut = true;
      this.askToEnd();
    });
    try {
      const exit = await container.run(
        {
          stdin: this.stdin,
          onStdout: (chunk) => this.onStdout(this.stdout.push(chunk)),
          onStderr: (chunk) => this.onStderr(this.stderr.push(chunk)),
        },
        AbortSignal.any([control.kill, this.kill.signal, this.options.kill]),
      );
      await this.onStdout(this.stdout.end());
      await this.onStderr(this.stderr.end());
      return this.end(exit);
    } finally {
      this.ended.abort();
      this.stdin.close();
      control.ending.removeEventListener("abort", askToEnd);
    }
  }

  private end(exit: SandboxExit): AgentEnd {
    const { timedOut, idle, finish, errorCode } = this;
    const lastWords = redact(this.errorLine || this.stderrTail.trim(), this.options.secrets);
    return { exit, timedOut, idle, finish, errorCode, lastWords };
  }

  /** `abort` on stdin, and after the grace the end by force. */
  private askToEnd(): void {
    this.send({ type: "abort" });
    this.killAfterGrace();
  }

  private killAfterGrace(): void {
    void this.after(this.options.clock.sleep(ABORT_GRACE_MS, this.ended.signal), () => this.kill.abort());
  }

  private async after(wait: Promise<void>, act: () => void): Promise<void> {
    await wait;
    if (!this.ended.signal.aborted) act();
  }

  private send(line: AgentInput): boolean {
    return this.stdin.push(agentInputLine(line));
  }

  private async onStdout(lines: Line[]): Promise<void> {
    const { transcript } = this.options;
    for (const line of lines) {
      const { output, type, data } = readAgentLine(line);
      if (output !== null) this.note(output);
      // Waited for only when there is something to wait for: a flood has millions of lines.
      const full =
        type === "stdout" || type === "content"
          ? transcript.text(type, data.text)
          : transcript.fromAgent(type, data);
      if (full !== undefined) await full;
    }
  }

  private note(output: AgentOutput): void {
    if (output.type === "error") {
      this.errorLine = output.message;
      this.errorCode = output.code ?? null;
    }
    if (output.type === "finish" && this.finish === null) {
      this.finish = output;
      this.options.onFinish();
    }
    if (output.type === "session_idle" && !this.idle) {
      this.idle = true;
      this.stdin.close();
      this.killAfterGrace();
    }
  }

  private async onStderr(lines: Line[]): Promise<void> {
    const texts = lines.map((line) => (line.kind === "line" ? line.text : `${line.head}…`));
    this.stderrTail = [this.stderrTail, ...texts].join("\n").slice(-STDERR_TAIL_BYTES);
    for (const text of texts) {
      const full = this.options.transcript.text("stderr", text);
      if (full !== undefined) await full;
    }
  }
}

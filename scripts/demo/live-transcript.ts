import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { formatDuration } from "@windshift/base/duration.ts";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { StoredEvent } from "@windshift/contract/event.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { bold, cyan, dim, green, plain, red, say, yellow } from "./terminal.ts";
import { ToolLines } from "./tool-lines.ts";

/** Prints a run's transcript as it comes and waits for the run's end. */
export async function showTranscript(api: ApiClient, runId: number, signal: AbortSignal): Promise<AgentRun> {
  const startedMs = performance.now();
  const printer = new Printer(startedMs);
  let run: AgentRun | undefined;
  for await (const event of api.events(`/api/v1/agent-runs/${runId}/events/stream`, signal)) {
    if (event.event === "run") {
      run = AgentRun.parse(JSON.parse(event.data));
      printer.run(run);
    } else if (event.event === "event") printer.event(StoredEvent.parse(JSON.parse(event.data)));
    else if (event.event === "end") break;
    if (run?.status === "waiting") break;
  }
  printer.endText();
  if (run === undefined || !(isTerminal(run.status) || run.status === "waiting")) {
    throw new Error(`the transcript of run ${runId} ended before the run did`);
  }
  return run;
}

class Printer {
  private midText = false;
  private shown = "";
  private readonly tools = new ToolLines();
  constructor(private readonly startedMs: number) {}

  run(run: AgentRun): void {
    const state = run.status === "running" ? (run.phase ?? "running") : run.status;
    if (state === this.shown) return;
    this.shown = state;
    const why = run.queued_because === null ? "" : dim(` (${run.queued_because.text})`);
    this.line(
      `${cyan(`[${formatDuration(performance.now() - this.startedMs).padStart(6)}]`)} ${bold(state)}${why}`,
    );
  }

  event({ type, data }: StoredEvent): void {
    if (type === "content") this.text(textOf(data.text));
    else if (type === "tool_start")
      this.line(`  ${yellow("→")} ${bold(textOf(data.tool))} ${summarize(data.args)}`);
    else if (type === "tool_output") this.lines(this.tools.piece(textOf(data.id), rawOf(data.text)));
    else if (type === "tool_done") this.output(textOf(data.id), rawOf(data.output), data.exit_code);
    else if (type === "warning") this.line(`  ${yellow(`! ${textOf(data.message)}`)}`);
    else if (type === "stdout" || type === "stderr") this.line(dim(`    ${textOf(data.text)}`));
  }

  endText(): void {
    if (this.midText) say();
    this.midText = false;
  }

  private text(text: string): void {
    process.stdout.write(this.midText ? text.replaceAll("\n", "\n  ") : `  ${text.replaceAll("\n", "\n  ")}`);
    this.midText = true;
  }

  private line(text: string): void {
    this.endText();
    say(text);
  }

  private lines(lines: readonly string[]): void {
    for (const line of lines) this.line(dim(`    ${plain(line)}`));
  }

  private output(id: string, output: string, exitCode: unknown): void {
    this.lines(this.tools.end(id, output));
    if (typeof exitCode === "number")
      this.line(`    ${exitCode === 0 ? green("exit 0") : red(`exit ${exitCode}`)}`);
  }
}

function textOf(value: unknown): string {
  return plain(rawOf(value));
}

function rawOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

/** A tool call's arguments in one line. */
function summarize(args: unknown): string {
  if (typeof args !== "object" || args === null) return dim(textOf(args));
  const [only] = Object.values(args);
  const text = Object.keys(args).length === 1 && typeof only === "string" ? only : JSON.stringify(args);
  const line = plain(text).replaceAll("\n", "⏎");
  return dim(line.length > 140 ? `${line.slice(0, 140)}…` : line);
}

import type { Clock } from "@windshift/base/clock.ts";
import { errorText } from "@windshift/base/error-text.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import type { AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { AgentConfig } from "./config.ts";
import { Conversation } from "./context/conversation.ts";
import { abortReport } from "./git/abort-report.ts";
import { AGENT_AUTHOR, commandEnv } from "./git/git-environment.ts";
import { type GitPlace, treeMark } from "./git/git-tree.ts";
import { type WrapUp, wrapUp } from "./git/wrap-up.ts";
import { guardsOfRun } from "./guards/guards.ts";
import type { Inbox, StopCause } from "./inbox.ts";
import { runLoop } from "./loop.ts";
import type { LoopEnd } from "./loop-end.ts";
import { ModelClient } from "./model/model-client.ts";
import { projectNotes } from "./project-notes.ts";
import { systemPrompt } from "./prompt.ts";
import type { SessionEvents } from "./session-events.ts";
import { OutputStore } from "./tools/output-store.ts";
import { Toolbox } from "./tools/toolbox.ts";
import { Workspace } from "./tools/workspace.ts";

/** What a session is connected to. */
export interface SessionParts {
  inbox: Inbox;
  events: SessionEvents;
  clock: Clock;
  /** The agent's own environment; what commands of the model get is made from it. */
  env: Record<string, string | undefined>;
}

/** How a session ended: as its loop did, or by a fault of the agent itself. */
type SessionEnd = LoopEnd | Crashed;
type Crashed = { kind: "crashed"; message: string };

/**
 * One run, from the prompt to its one `finish` or `error` line. Whatever a model does ends in one of the two.
 * @returns the exit code
 * @throws Error when the workspace cannot be opened
 */
export async function runSession(config: AgentConfig, parts: SessionParts): Promise<number> {
  const { inbox, events } = parts;
  const startedMs = Date.now();
  const outputs = new OutputStore();
  const workspace = Workspace.open(config.workspace, outputs.dirs);
  const prompt = await inbox.prompt();
  if (prompt === undefined) return reportNoPrompt(inbox.stopped(), events);
  let commands: Record<string, string> | undefined;
  const env = () => (commands ??= commandEnv(parts.env)); // made when first needed: the first request does not wait for it
  const place = (signal?: AbortSignal): GitPlace => ({ root: workspace.root, env: env(), signal });
  const { signal } = inbox;
  const toolbox = new Toolbox({ workspace, outputs, env, images: config.images, signal }, events.emit);
  const system = systemPrompt({ workspace: workspace.root, images: config.images });
  const conversation = new Conversation(system, toolbox.definitions(), config.contextSize, outputs.keep);
  conversation.addTask(prompt, await projectNotes(workspace, config.contextSize));
  const end = await runLoop({
    client: new ModelClient({ ...config, emit: events.emit, clock: parts.clock, signal }),
    conversation,
    toolbox,
    inbox,
    events,
    guards: guardsOfRun(config.turnsMax),
    turnsMax: config.turnsMax,
    treeMark: () => treeMark(place(signal)),
  }).then(
    (loopEnd) => crashOr(loopEnd, inbox.stopped()),
    (error: unknown) => crashOf(error),
  );
  if (end.kind === "aborted") return reportAbort(place(), startedMs, parts);
  const kept = await wrapUp(place(end.kind === "crashed" ? undefined : signal));
  // Whatever the model said, an abort during the wrap-up may have cut it short: what is told is what is there.
  if (signal.aborted && end.kind !== "crashed") return reportAbort(place(), startedMs, parts);
  tellKept(kept, events);
  return report(end, events);
}

/** A fault outside of the loop's own course stops it like an abort does. */
function crashOr(end: LoopEnd, stopped: StopCause | undefined): SessionEnd {
  return end.kind === "aborted" && stopped?.kind === "crash" ? crashOf(stopped.error) : end;
}
function crashOf(error: unknown): Crashed {
  return { kind: "crashed", message: errorText(error) };
}

/** The session was stopped before there was anything to do. */
function reportNoPrompt(stopped: StopCause | undefined, events: SessionEvents): number {
  if (stopped?.kind === "crash") return report(crashOf(stopped.error), events);
  const message = whyNoPrompt(stopped);
  if (message !== undefined) events.emit({ type: "error", message, code: "no_prompt" });
  else events.emit(abortedEvent(stopped, "no prompt had come"));
  return AGENT_EXIT.failed;
}

/** Undefined when one could still have come. */
function whyNoPrompt(stopped: StopCause | undefined): string | undefined {
  if (stopped?.kind === "prompt_too_long")
    return `the prompt is over ${JSONL_LINE_BYTES_MAX / 1_048_576} MiB, more than one line may have`;
  return stopped?.kind === "input_ended" ? "input ended before a prompt came" : undefined;
}

async function reportAbort(
  place: GitPlace,
  startedMs: number,
  { inbox, events }: SessionParts,
): Promise<number> {
  const stopped = inbox.stopped();
  const isHeard = stopped?.kind !== "reader_gone"; // without a reader there is nobody to look for
  const left = isHeard ? await abortReport(place, startedMs, AGENT_AUTHOR.email) : "nobody reads";
  events.emit(abortedEvent(stopped, left));
  return AGENT_EXIT.failed;
}

function abortedEvent(stopped: StopCause | undefined, rest: string): AgentOutput {
  const message = `aborted ${byWhom(stopped)}; ${rest}`;
  return { type: "error", message, code: "aborted" };
}

function byWhom(stopped: StopCause | undefined): string {
  switch (stopped?.kind) {
    case "signal":
      return `by ${stopped.name}`;
    case "input_ended":
      return "by the end of input";
    default:
      return "by request";
  }
}

function tellKept(kept: WrapUp, events: SessionEvents): void {
  const tell = (text: string) => events.emit({ type: "message", role: "agent", text });
  if (kept.kind === "committed") {
    const text = `${kept.files} files had uncommitted changes; the agent's wrap-up committed them.`;
    tell([text, ...kept.remarks].join(" "));
  }
  if (kept.kind === "left")
    tell(["Uncommitted changes are lost with the container.", ...kept.remarks].join(" "));
  if (kept.kind === "failed")
    tell(`Uncommitted changes could not be committed and are lost with the container: ${kept.why}`);
}

/** Says how the run ended, in exactly one `finish` or `error` line. @returns the exit code */
function report(end: Exclude<SessionEnd, { kind: "aborted" }>, { emit }: SessionEvents): number {
  switch (end.kind) {
    case "finished":
      emit({ type: "finish", outcome: end.outcome, summary: end.summary });
      return AGENT_EXIT.ok;
    case "model_failed": {
      const { code, message, kind } = end.failure;
      emit({ type: "error", message, ...(code === undefined ? {} : { code }) });
      return kind === "unreachable" ? AGENT_EXIT.apiUnreachable : AGENT_EXIT.failed;
    }
    case "gave_up":
      emit({ type: "error", message: end.message, code: end.code });
      return AGENT_EXIT.failed;
    case "crashed":
      emit({ type: "error", message: `the agent itself failed: ${end.message}`, code: "internal" });
      return AGENT_EXIT.failed;
  }
}

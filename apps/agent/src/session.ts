import type { Clock } from "@windshift/base/clock.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import type { AgentConfig } from "./config.ts";
import { Conversation } from "./context/conversation.ts";
import { abortReport } from "./git/abort-report.ts";
import { AGENT_AUTHOR, commandEnv } from "./git/git-environment.ts";
import { type GitPlace, treeMark } from "./git/git-tree.ts";
import { wrapUp } from "./git/wrap-up.ts";
import { guardsOfRun } from "./guards/guards.ts";
import { Crash, type Inbox, ReaderGone } from "./inbox.ts";
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
  if (inbox.signal.reason instanceof Crash) return report(crashOf(inbox.signal.reason.cause), events);
  if (prompt === undefined) {
    events.emit({ type: "error", message: "input ended before a prompt came", code: "no_prompt" });
    return AGENT_EXIT.failed;
  }
  let commands: Record<string, string> | undefined;
  const env = () => (commands ??= commandEnv(parts.env)); // made when first needed: the first request does not wait for it
  const place = (signal?: AbortSignal): GitPlace => ({ root: workspace.root, env: env(), signal });
  const { signal } = inbox;
  const toolbox = new Toolbox({ workspace, outputs, env, images: config.images, signal }, events.emit);
  const system = systemPrompt({ workspace: workspace.root, images: config.images });
  const conversation = new Conversation(system, toolbox.definitions(), config.contextSize, outputs.keep);
  conversation.addTask(`${prompt}${await projectNotes(workspace, config.contextSize)}`);
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
    (loopEnd) => crashOr(loopEnd, signal),
    (error: unknown) => crashOf(error),
  );
  if (end.kind === "aborted") return reportAbort(place(), startedMs, parts);
  await keepChanges(place(end.kind === "crashed" ? undefined : signal), events);
  return report(end, events);
}

/** A fault outside of the loop's own course stops it like an abort does. */
function crashOr(end: LoopEnd, signal: AbortSignal): SessionEnd {
  return end.kind === "aborted" && signal.reason instanceof Crash ? crashOf(signal.reason.cause) : end;
}
function crashOf(error: unknown): Crashed {
  return { kind: "crashed", message: error instanceof Error ? error.message : String(error) };
}

async function reportAbort(
  place: GitPlace,
  startedMs: number,
  { inbox, events }: SessionParts,
): Promise<number> {
  const heard = !(inbox.signal.reason instanceof ReaderGone); // without a reader there is nobody to look for
  const message = heard ? await abortReport(place, startedMs, AGENT_AUTHOR.email) : "aborted: nobody reads";
  events.emit({ type: "error", message, code: "aborted" });
  return AGENT_EXIT.failed;
}

async function keepChanges(place: GitPlace, events: SessionEvents): Promise<void> {
  const result = await wrapUp(place);
  const tell = (text: string) => events.emit({ type: "message", role: "agent", text });
  if (result.kind === "committed") {
    const text = `${result.files} files had uncommitted changes; the agent's wrap-up committed them.`;
    tell([text, ...result.remarks.map((remark) => `Of them, ${remark}.`)].join(" "));
  }
  if (result.kind === "failed")
    tell(`Uncommitted changes could not be committed and are lost with the container: ${result.why}`);
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

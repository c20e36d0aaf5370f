import type { Clock } from "@windshift/base/clock.ts";
import { AGENT_EXIT } from "@windshift/contract/agent-exit.ts";
import type { AgentConfig } from "./config.ts";
import { Conversation } from "./conversation.ts";
import type { EventWriter } from "./event-writer.ts";
import { commandEnv } from "./git-environment.ts";
import type { Inbox } from "./inbox.ts";
import { type LoopEnd, runLoop } from "./loop.ts";
import { ModelClient } from "./model-client.ts";
import { OutputStore } from "./output-store.ts";
import { systemPrompt } from "./prompt.ts";
import { Toolbox } from "./toolbox.ts";
import { Workspace } from "./workspace.ts";
import { wrapUp } from "./wrap-up.ts";

/** What a session is connected to. */
export interface SessionParts {
  inbox: Inbox;
  events: EventWriter;
  clock: Clock;
  /** The agent's own environment; what commands of the model get is made from it. */
  env: Record<string, string | undefined>;
}

/**
 * One run, from the prompt to its one `finish` or `error` line. Whatever a model does ends in one of the two.
 * @returns the exit code
 * @throws Error when the workspace cannot be opened
 */
export async function runSession(config: AgentConfig, parts: SessionParts): Promise<number> {
  const { inbox, events, clock } = parts;
  const { emit } = events;
  let commands: Record<string, string> | undefined;
  const env = () => (commands ??= commandEnv(parts.env)); // made when first needed: the first request does not wait for it
  const outputs = new OutputStore();
  const workspace = Workspace.open(config.workspace, outputs.dirs);
  const prompt = await inbox.prompt();
  if (prompt === undefined) {
    emit({ type: "error", message: "input ended before a prompt came", code: "no_prompt" });
    return AGENT_EXIT.failed;
  }
  const toolbox = new Toolbox({ workspace, outputs, env, images: config.images, signal: inbox.signal }, emit);
  const conversation = new Conversation(
    systemPrompt(workspace.root),
    toolbox.definitions(),
    config.contextSize,
  );
  conversation.addUser(prompt);
  const client = new ModelClient({ ...config, emit, clock, signal: inbox.signal });
  const end = await runLoop({ client, conversation, toolbox, inbox, events, turnsMax: config.turnsMax });
  if (end.kind !== "aborted") await keepChanges(workspace.root, env(), events);
  return report(end, config, events);
}

async function keepChanges(root: string, env: Record<string, string>, events: EventWriter): Promise<void> {
  const result = await wrapUp(root, env);
  if (result.kind === "committed")
    events.emit({
      type: "message",
      role: "agent",
      text: `${result.files} files had uncommitted changes; the agent's wrap-up committed them.`,
    });
  if (result.kind === "failed")
    events.emit({
      type: "message",
      role: "agent",
      text: `Uncommitted changes could not be committed and are lost with the container: ${result.why}`,
    });
}

/** Says how the run ended, in exactly one `finish` or `error` line. @returns the exit code */
function report(end: LoopEnd, config: AgentConfig, { emit }: EventWriter): number {
  switch (end.kind) {
    case "finished":
      emit({ type: "finish", outcome: end.outcome, summary: end.summary });
      return AGENT_EXIT.ok;
    case "aborted":
      emit({
        type: "error",
        message:
          "aborted by request; commits made so far are kept, uncommitted changes were left uncommitted",
        code: "aborted",
      });
      return AGENT_EXIT.failed;
    case "model_failed": {
      const { code, message, kind } = end.failure;
      emit({ type: "error", message, ...(code === undefined ? {} : { code }) });
      return kind === "unreachable" ? AGENT_EXIT.apiUnreachable : AGENT_EXIT.failed;
    }
    case "no_finish":
      emit({
        type: "error",
        message: "ended without finish: the model stopped, also when asked again",
        code: "no_finish",
      });
      return AGENT_EXIT.failed;
    case "turns_exhausted":
      emit({
        type: "error",
        message: `not finished after ${config.turnsMax} model calls`,
        code: "turns_exhausted",
      });
      return AGENT_EXIT.failed;
  }
}

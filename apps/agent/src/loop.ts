import type { AgentOutcome } from "@windshift/contract/run.ts";
import { askModel } from "./ask-model.ts";
import type { Conversation } from "./conversation.ts";
import type { EventWriter } from "./event-writer.ts";
import type { Inbox } from "./inbox.ts";
import type { ModelClient } from "./model-client.ts";
import type { ModelFailure } from "./model-failure.ts";
import type { ModelReply } from "./model-reply.ts";
import { CONTINUE_REMINDER, FINISH_HELD_BACK, FINISH_REMINDER } from "./prompt.ts";
import { FINISH_TOOL_NAME } from "./tool-finish.ts";
import type { Toolbox } from "./toolbox.ts";

export type LoopEnd =
  | { kind: "finished"; outcome: AgentOutcome; summary: string }
  | { kind: "aborted" }
  | { kind: "model_failed"; failure: ModelFailure }
  | { kind: "no_finish" }
  | { kind: "turns_exhausted" };

export interface LoopParts {
  client: ModelClient;
  conversation: Conversation;
  toolbox: Toolbox;
  inbox: Inbox;
  events: EventWriter;
  turnsMax: number;
}

/** Asks the model and does what it says, turn by turn, until it finishes or cannot go on. Never rejects for what a model does. */
export async function runLoop(parts: LoopParts): Promise<LoopEnd> {
  const { client, conversation, inbox, events } = parts;
  let reminded = false;
  for (let turn = 1; turn <= parts.turnsMax; turn++) {
    await events.drained();
    deliverMessages(parts);
    const result = await askModel({ client, conversation, emit: events.emit });
    if (inbox.signal.aborted || result.kind === "aborted") return { kind: "aborted" };
    if (result.kind === "failure") return { kind: "model_failed", failure: result.failure };
    const { reply } = result;
    conversation.addReply(reply);
    if (reply.toolCalls.length > 0) {
      const end = await runCalls(parts, reply);
      if (end !== undefined) return end;
    } else if (reply.finishReason === "length") {
      conversation.addUser(CONTINUE_REMINDER);
    } else if (!inbox.hasMessages()) {
      if (reminded) return { kind: "no_finish" };
      reminded = true;
      conversation.addUser(FINISH_REMINDER);
    }
  }
  return { kind: "turns_exhausted" };
}

function deliverMessages({ inbox, conversation, events }: LoopParts): void {
  for (const { id, text } of inbox.takeMessages()) {
    conversation.addUser(text);
    if (id !== undefined) events.emit({ type: "received", id });
  }
}

/** One after the other, as calls of one turn may build on each other; `finish` last, whatever its place. */
async function runCalls(
  { toolbox, conversation, inbox }: LoopParts,
  reply: ModelReply,
): Promise<LoopEnd | undefined> {
  const finishes = reply.toolCalls.filter((call) => call.name === FINISH_TOOL_NAME);
  const work = reply.toolCalls.filter((call) => call.name !== FINISH_TOOL_NAME);
  for (const call of work) {
    conversation.addToolResult(call.id, await toolbox.run(call, reply.finishReason));
    if (inbox.signal.aborted) return { kind: "aborted" };
  }
  for (const call of finishes) {
    const result = inbox.hasMessages()
      ? { output: FINISH_HELD_BACK }
      : await toolbox.run(call, reply.finishReason);
    const finish = toolbox.takeFinish();
    if (finish !== undefined) return { kind: "finished", ...finish };
    conversation.addToolResult(call.id, result);
  }
  return undefined;
}

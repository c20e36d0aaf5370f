import { askModel } from "./context/ask-model.ts";
import type { Conversation } from "./context/conversation.ts";
import { type CallTrace, type Guard, judgeTurn } from "./guards/guard.ts";
import type { Inbox } from "./inbox.ts";
import type { LoopEnd } from "./loop-end.ts";
import { CallIds } from "./model/call-ids.ts";
import type { ModelClient } from "./model/model-client.ts";
import type { ModelReply, ToolCall } from "./model/model-reply.ts";
import { FINISH_HELD_BACK, FINISH_TOO_EARLY } from "./prompt.ts";
import type { SessionEvents } from "./session-events.ts";
import type { ToolResult } from "./tools/tool.ts";
import { FINISH_TOOL_NAME } from "./tools/tool-finish.ts";
import type { Toolbox } from "./tools/toolbox.ts";

export interface LoopParts {
  client: ModelClient;
  conversation: Conversation;
  toolbox: Toolbox;
  inbox: Inbox;
  events: SessionEvents;
  guards: readonly Guard[];
  turnsMax: number;
  /** A mark of the working tree; the guards ask for it when calls alone show no progress. */
  treeMark(): Promise<string | undefined>;
}

/** Asks the model and does what it says, turn by turn, until it finishes or a guard ends it. Never rejects for what a model does. */
export async function runLoop(parts: LoopParts): Promise<LoopEnd> {
  const { client, conversation, inbox, events } = parts;
  const callIds = new CallIds();
  for (let turnsLeft = parts.turnsMax - 1; ; turnsLeft--) {
    await Promise.race([events.drained(), inbox.stopping]);
    const messages = inbox.takeMessages();
    for (const { text } of messages) conversation.addMessage(text);
    const result = await askModel({ client, conversation, emit: events.emit });
    if (inbox.signal.aborted || result.kind === "aborted") return { kind: "aborted" };
    if (result.kind === "failure") return { kind: "model_failed", failure: result.failure };
    // Only now has the model had them: what a failed call was to bring gets no receipt, and so a run of its own.
    for (const { id } of messages) if (id !== undefined) events.emit({ type: "received", id });
    const reply = { ...result.reply, toolCalls: callIds.own(result.reply.toolCalls) };
    conversation.addReply(reply);
    const calls = await runCalls(parts, reply, turnsLeft);
    if ("end" in calls) return calls.end;
    const { nudges, end } = await judgeTurn(parts.guards, {
      calls: calls.traces,
      callsDropped: reply.callsDropped ?? 0,
      finishReason: reply.finishReason,
      turnsLeft,
      steered: messages.length > 0,
      messageWaits: inbox.hasMessages(),
      treeMark: parts.treeMark,
    });
    if (end !== undefined) return end;
    for (const text of nudges) {
      conversation.addUser(text);
      events.emit({ type: "message", role: "agent", text });
    }
  }
}

/** One after the other, as calls of one turn may build on each other; `finish` last, whatever its place. */
async function runCalls(
  { toolbox, conversation, inbox }: LoopParts,
  reply: ModelReply,
  turnsLeft: number,
): Promise<{ traces: CallTrace[] } | { end: LoopEnd }> {
  const traces: CallTrace[] = [];
  toolbox.beginTurn();
  const finishes = reply.toolCalls.filter((call) => call.name === FINISH_TOOL_NAME);
  const work = reply.toolCalls.filter((call) => call.name !== FINISH_TOOL_NAME);
  for (const call of work) {
    const result = await toolbox.run(call, reply.finishReason);
    if (inbox.signal.aborted) return { end: { kind: "aborted" } };
    conversation.addToolResult(call.id, result);
    traces.push(traceOf(call, result));
  }
  for (const call of finishes) {
    const why = turnsLeft > 0 ? notYet(reply, inbox) : undefined;
    const result = why === undefined ? await toolbox.run(call, reply.finishReason) : { output: why };
    const finish = toolbox.takeFinish();
    if (finish !== undefined) return { end: { kind: "finished", ...finish } };
    conversation.addToolResult(call.id, result);
    traces.push(traceOf(call, result));
  }
  return { traces };
}

/** Why the run does not end yet. On the last turn it ends all the same: a message left without receipt gets a run of its own. */
function notYet({ callsDropped = 0 }: ModelReply, inbox: Inbox): string | undefined {
  if (callsDropped > 0) return FINISH_TOO_EARLY;
  return inbox.hasMessages() ? FINISH_HELD_BACK : undefined;
}

function traceOf({ name, argsText }: ToolCall, { output, exitCode }: ToolResult): CallTrace {
  const failed = exitCode === undefined ? output.startsWith("error:") : exitCode !== 0;
  return { tool: name, argsText, output, failed };
}

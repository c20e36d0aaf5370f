import type { Conversation } from "./conversation.ts";
import type { Emit } from "./event-writer.ts";
import type { CallResult } from "./model-call.ts";
import type { ModelClient } from "./model-client.ts";

export interface AskParts {
  client: ModelClient;
  conversation: Conversation;
  emit: Emit;
}

/** One turn of the model: makes room in the window when it is needed, then asks. Never rejects for what a model does. */
export async function askModel({ client, conversation, emit }: AskParts): Promise<CallResult> {
  const room = conversation.makeRoom();
  if (room !== undefined) emit({ type: "compaction", ...room });
  return client.complete(conversation);
}

import type { Emit } from "../event-writer.ts";
import type { CallResult } from "../model/model-call.ts";
import type { ModelClient } from "../model/model-client.ts";
import { windowNamed } from "../model/window-named.ts";
import { compact, fitFreshTexts, squeeze } from "./compaction.ts";
import type { Conversation } from "./conversation.ts";
import { cutFreshOutputs, dropOldPictures, shortenOld } from "./shortening.ts";

export interface AskParts {
  client: ModelClient;
  conversation: Conversation;
  emit: Emit;
}

/** What of a request is believed to fit after its first, second refusal as too long, share; after that the turn is given up. */
const REFUSED_SHARES = [0.9, 0.5] as const;

/** One turn of the model: makes room in the window when it is needed, then asks. Never rejects for what a model does. */
export async function askModel(parts: AskParts): Promise<CallResult> {
  const { client, conversation } = parts;
  for (let refusals = 0; ; refusals++) {
    const end = await makeRoom(parts);
    if (end !== undefined) return end;
    const result = await client.complete(conversation);
    if (result.kind !== "failure" || result.failure.kind !== "overflow") return result;
    const share = REFUSED_SHARES[refusals];
    if (share === undefined) return { kind: "failure", failure: withAdvice(result.failure, conversation) };
    conversation.learnRefusal(conversation, share, windowNamed(result.failure.message));
  }
}

/** @returns what ends the run, as no call can succeed any more */
async function makeRoom({ client, conversation, emit }: AskParts): Promise<CallResult | undefined> {
  const quiet: Emit = (event) => {
    if (event.type !== "content") emit(event);
  };
  if (conversation.isSurelyRoomy()) return undefined;
  let before = conversation.tokens();
  const tell = (changed: boolean) => {
    const after = conversation.tokens();
    // A rewritten conversation is weighed with its margin again, so a small gain may not show.
    if (changed && after < before) emit({ type: "compaction", before, after });
    before = after;
  };
  const isFull = () => conversation.tokens() > conversation.budget().full;
  tell(dropOldPictures(conversation));
  tell(cutFreshOutputs(conversation));
  tell(fitFreshTexts(conversation));
  if (!isFull()) return undefined;
  tell(shortenOld(conversation));
  if (!isFull()) return undefined;
  const end = await compact(conversation, (source) => client.complete(source, quiet));
  if (end !== undefined) return end;
  tell(true);
  if (isFull()) tell(squeeze(conversation));
  return undefined;
}

function withAdvice<F extends { message: string }>(failure: F, conversation: Conversation): F {
  const advice = `a request of about ${conversation.tokens()} tokens does not fit, though the conversation was shortened for a window of ${Math.floor(conversation.window())}: set the context window of the LLM connection (LLM_CONTEXT_SIZE) to what the model takes, or use a model with a larger one`;
  return { ...failure, message: `${failure.message} (${advice})` };
}

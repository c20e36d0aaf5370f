import { z } from "zod";
import { JsonObject, list } from "./json-parts.ts";
import { OUTPUT_TOKENS_MAX } from "./llm-limits.ts";
import type { LlmTarget } from "./llm-target.ts";
import { MediaType, PictureData, refuseUnseen } from "./picture.ts";
import { type AuthorizedCall, checkBody } from "./request-body.ts";

const CacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() });
const cached = { cache_control: CacheControl.nullish() };

const TextBlock = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  // Replies carry it, and clients send them back as they are.
  citations: z.null().optional(),
  ...cached,
});
/** Base64 only: an address or the id of a stored file would make the provider fetch it (LB-16). */
const ImageBlock = z.strictObject({
  type: z.literal("image"),
  source: z.strictObject({ type: z.literal("base64"), media_type: MediaType, data: PictureData }),
  ...cached,
});
const ToolUseBlock = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: JsonObject,
  caller: z.strictObject({ type: z.literal("direct") }).optional(),
  ...cached,
});
const ToolResultBlock = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z.union([z.string(), list(z.discriminatedUnion("type", [TextBlock, ImageBlock]))]).optional(),
  is_error: z.boolean().optional(),
  ...cached,
});
const Block = z.discriminatedUnion("type", [
  TextBlock,
  ImageBlock,
  ToolUseBlock,
  ToolResultBlock,
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
]);
const Message = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.union([z.string(), list(Block)]),
});
/** The caller's own tools only: one that runs at the provider (web search, code, computer) is a way out. */
const Tool = z.strictObject({
  type: z.literal("custom").nullish(),
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal("object") }),
  strict: z.boolean().optional(),
  ...cached,
});
const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const ToolChoice = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), ...parallel }),
  z.strictObject({ type: z.literal("any"), ...parallel }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
  z.strictObject({ type: z.literal("none") }),
]);
const display = { display: z.enum(["summarized", "omitted"]).nullish() };
const Thinking = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("enabled"),
    budget_tokens: z.int().min(1).max(OUTPUT_TOKENS_MAX),
    ...display,
  }),
  z.strictObject({ type: z.literal("adaptive"), ...display }),
  z.strictObject({ type: z.literal("disabled") }),
]);

/** The fields a run may send to the Messages API; any other is refused by name. */
export const MessagesRequest = z.strictObject({
  model: z.string().optional(),
  messages: list(Message, 1),
  max_tokens: z.int().min(1).max(OUTPUT_TOKENS_MAX),
  system: z.union([z.string(), list(TextBlock)]).optional(),
  tools: list(Tool).optional(),
  tool_choice: ToolChoice.optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  stop_sequences: z.array(z.string()).max(16).optional(),
  stream: z.boolean().optional(),
  thinking: Thinking.optional(),
  ...cached,
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

/**
 * Checks a request of the Messages API for the first target of a run.
 * @throws AppError `invalid_input` naming the field, or `forbidden` when another model is asked for
 */
export function authorizeMessagesRequest(text: string, target: LlmTarget): AuthorizedCall {
  const body = checkBody(text, MessagesRequest, target.model);
  const { fields } = body;
  const pictures = picturesOf(fields.messages);
  refuseUnseen(pictures, "messages", target.images);
  return {
    stream: fields.stream === true,
    pictures: pictures.length,
    pictureBytes: pictures.reduce((bytes, data) => bytes + data.length, 0),
    outputTokensMax: fields.max_tokens,
    bodyFor: ({ model }) => body.write({ ...fields, model }),
  };
}

function picturesOf(messages: MessagesRequest["messages"]): string[] {
  const data: string[] = [];
  for (const { content } of messages) {
    if (typeof content === "string") continue;
    for (const block of content) {
      if (block.type === "image") data.push(block.source.data);
      if (block.type !== "tool_result" || !Array.isArray(block.content)) continue;
      for (const part of block.content) if (part.type === "image") data.push(part.source.data);
    }
  }
  return data;
}

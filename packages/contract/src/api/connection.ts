import { z } from "zod";
import { LLM_CONTEXT_TOKENS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";

/** Root of a model provider's API, to which the broker adds `/v1/chat/completions`; a trailing `/v1` is taken off. */
export const ProviderUrl = z
  .string()
  .max(2_048)
  .transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain =
      url &&
      /^https?:$/.test(url.protocol) &&
      url.username === "" &&
      url.password === "" &&
      !/[?#\s\\]/.test(text);
    if (url && plain) return url.origin + url.pathname.replace(/\/+$/, "").replace(/\/v1$/, "");
    context.addIssue(
      "an http:// or https:// address without user name, query or fragment, such as https://api.openai.com",
    );
    return z.NEVER;
  });

const ApiKey = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[\x21-\x7e]+$/, "printable ASCII without spaces");
const ContextWindow = z.int().min(1_024).max(LLM_CONTEXT_TOKENS_MAX);

/** A stored endpoint with its credential. The credential goes in and never comes out; its fingerprint tells two apart. */
export const Connection = z.object({
  id: z.int(),
  kind: z.enum(["llm", "git"]),
  provider: z.enum(["openai_compatible", "local"]),
  name: z.string(),
  base_url: z.string().nullable(),
  secret_fingerprint: z.string().nullable(),
  /** Tokens; null when the agent's own default holds. */
  context_window: z.int().nullable(),
  created_at: z.iso.datetime(),
});
export type Connection = z.infer<typeof Connection>;

const NewLlmConnection = z.strictObject({
  kind: z.literal("llm"),
  provider: z.literal("openai_compatible").default("openai_compatible"),
  name: lineOfText(NAME_CHARS_MAX),
  base_url: ProviderUrl,
  api_key: ApiKey.nullable().default(null),
  context_window: ContextWindow.nullable().default(null),
});
const NewGitConnection = z.strictObject({
  kind: z.literal("git"),
  provider: z.literal("local").default("local"),
  name: lineOfText(NAME_CHARS_MAX),
});
export const NewConnection = z.discriminatedUnion("kind", [NewLlmConnection, NewGitConnection]);
export type NewConnection = z.infer<typeof NewConnection>;

/** A new `base_url` needs the key again: a stored key is never sent to another place than it was given for. */
export const ConnectionPatch = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX).optional(),
  base_url: ProviderUrl.optional(),
  api_key: ApiKey.nullable().optional(),
  context_window: ContextWindow.nullable().optional(),
});
export type ConnectionPatch = z.infer<typeof ConnectionPatch>;

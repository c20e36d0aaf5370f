import { z } from "zod";
import {
  LLM_CONCURRENCY_MAX,
  LLM_CONTEXT_TOKENS_MAX,
  LLM_CONTEXT_TOKENS_MIN,
  NAME_CHARS_MAX,
} from "../limits.ts";
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
const ContextWindow = z.int().min(LLM_CONTEXT_TOKENS_MIN).max(LLM_CONTEXT_TOKENS_MAX);

/** Model calls at once that a connection may be asked to hold to. */
const Concurrency = z.int().min(1).max(LLM_CONCURRENCY_MAX);

/** Where people see a forge, such as https://github.com or https://git.example.com/gitlab. */
export const ForgeUrl = z
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
    if (url && plain) return url.origin + url.pathname.replace(/\/+$/, "");
    context.addIssue(
      "an http:// or https:// address without user name, query or fragment, such as https://github.com",
    );
    return z.NEVER;
  });

/** The id of a GitHub App or of its installation. */
const AppNumber = z.int().positive().max(Number.MAX_SAFE_INTEGER);
/** A GitHub App as the credential of a connection, with the PEM text of a private key that GitHub gave out. */
export const GithubApp = z.strictObject({
  app_id: AppNumber,
  installation_id: AppNumber,
  private_key: z
    .string()
    .max(16_384)
    .regex(
      /^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END [A-Z ]*PRIVATE KEY-----\s*$/,
      "the whole text of the .pem file",
    ),
});
export type GithubApp = z.infer<typeof GithubApp>;

export const GitProvider = z.enum(["local", "github", "forgejo", "gitlab"]);
export type GitProvider = z.infer<typeof GitProvider>;
export const LlmProvider = z.enum(["openai_compatible", "anthropic"]);

/** A stored endpoint with its credential. The credential goes in and never comes out; its fingerprint tells two apart. */
export const Connection = z.object({
  id: z.int(),
  kind: z.enum(["llm", "git"]),
  provider: z.enum([...LlmProvider.options, ...GitProvider.options]),
  name: z.string(),
  base_url: z.string().nullable(),
  secret_fingerprint: z.string().nullable(),
  /** Of a GitHub App; null for a connection with a token, or without a credential. */
  app: z.object({ app_id: z.int(), installation_id: z.int() }).nullable(),
  /** Where the forge sends its webhooks to; null for what is no forge. */
  webhook_url: z.string().nullable(),
  /** Tokens; null when the agent's own default holds. */
  context_window: z.int().nullable(),
  /** Model calls at once; null for no limit. */
  concurrency_max: z.int().nullable(),
  /** When the credential was last tried, and what was wrong then: a sentence, null when nothing was. */
  checked_at: z.iso.datetime().nullable(),
  check_problem: z.string().nullable(),
  created_at: z.iso.datetime(),
});
export type Connection = z.infer<typeof Connection>;

/** What is told once: the secret to give to the forge together with `webhook_url`. */
export const ConnectionWithSecret = Connection.extend({ webhook_secret: z.string().optional() });
export type ConnectionWithSecret = z.infer<typeof ConnectionWithSecret>;

/** The answer to "test this connection"; `message` is one sentence for people. */
export const ConnectionCheck = z.object({ ok: z.boolean(), message: z.string() });
export type ConnectionCheck = z.infer<typeof ConnectionCheck>;

/** A repository that a connection's credential can see on its forge. */
export const ForgeRepository = z.object({
  owner: z.string(),
  name: z.string(),
  default_branch: z.string(),
  web_url: z.string(),
  private: z.boolean(),
  archived: z.boolean(),
  /** Whether the credential may push to it; false also when the forge does not say. */
  can_push: z.boolean(),
});
export const ForgeRepositoryPage = z.object({
  repositories: z.array(ForgeRepository),
  next_page: z.int().nullable(),
});
export type ForgeRepositoryPage = z.infer<typeof ForgeRepositoryPage>;

const NewLlmConnection = z.strictObject({
  kind: z.literal("llm"),
  provider: LlmProvider.default("openai_compatible"),
  name: lineOfText(NAME_CHARS_MAX),
  base_url: ProviderUrl,
  api_key: ApiKey.nullable().default(null),
  context_window: ContextWindow.nullable().default(null),
  concurrency_max: Concurrency.nullable().default(null),
});
/** Where a forge lives when nothing else is said. Forgejo is always somebody's own. */
export const FORGE_URLS = { github: "https://github.com", gitlab: "https://gitlab.com" } as const;

/** `token` or, on GitHub, `app`. `local` has neither: those repositories are the server's own. */
const NewGitConnection = z
  .strictObject({
    kind: z.literal("git"),
    provider: GitProvider.default("local"),
    name: lineOfText(NAME_CHARS_MAX),
    base_url: ForgeUrl.optional(),
    token: ApiKey.optional(),
    app: GithubApp.optional(),
  })
  .check(({ value, issues }) => {
    const complain = (path: string, message: string) =>
      issues.push({ code: "custom", path: [path], message, input: value });
    const { provider, base_url, token, app } = value;
    if (provider === "local") {
      for (const field of ["base_url", "token", "app"] as const) {
        if (value[field] !== undefined)
          complain(field, "repositories of the server itself have no such thing");
      }
      return;
    }
    if (base_url === undefined && provider === "forgejo")
      complain("base_url", "the address of the forge, such as https://codeberg.org");
    if (app !== undefined && provider !== "github") complain("app", "only GitHub has Apps; give a token");
    if ((token === undefined) === (app === undefined)) {
      complain("token", provider === "github" ? "give a token or an app, one of them" : "give a token");
    }
  });
export const NewConnection = z.discriminatedUnion("kind", [NewLlmConnection, NewGitConnection]);
export type NewConnection = z.infer<typeof NewConnection>;

/** A new `base_url` needs the credential again: a stored one is never sent to another place than it was given for. */
export const ConnectionPatch = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX).optional(),
  /** Of a model provider it is taken as a ProviderUrl. */
  base_url: ForgeUrl.optional(),
  /** Of a model provider. */
  api_key: ApiKey.nullable().optional(),
  context_window: ContextWindow.nullable().optional(),
  concurrency_max: Concurrency.nullable().optional(),
  /** Of a forge; one takes the other's place. */
  token: ApiKey.optional(),
  app: GithubApp.optional(),
});
export type ConnectionPatch = z.infer<typeof ConnectionPatch>;

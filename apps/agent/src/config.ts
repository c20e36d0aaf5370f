import {
  AGENT_TURNS_MAX,
  LLM_CONTEXT_TOKENS_MAX,
  LLM_CONTEXT_TOKENS_MIN,
} from "@windshift/contract/limits.ts";

/** What the environment may say. Source: INTERFACES section 3. */
export interface AgentConfig {
  /** Root of the model API, without a slash at its end. */
  baseUrl: string;
  model: string;
  apiKey: string | undefined;
  /** Size of the model's window, tokens, until a reply says otherwise. */
  contextSize: number;
  stream: boolean;
  /** Tries of one call. */
  tries: number;
  /** Whether the model sees pictures. */
  images: boolean;
  /** The git checkout; the file tools reach nothing else. */
  workspace: string;
  /** Model calls of the run. */
  turnsMax: number;
}

/** Tries of one call of the model. The pauses between ten are minutes; a provider that is away for longer ends the run. */
const TRIES = 3;
const TRIES_MAX = 10;

type Reading<T> = { value: T } | { problem: string };
interface AgentSetting<T> {
  name: string;
  defaultText: string;
  doc: string;
  secret?: boolean;
  /** Takes the text of the variable, undefined when unset or empty. */
  read(text: string | undefined): Reading<T>;
}

/** The table the documentation is held to. Plain checks, not zod: loading zod costs 12 of the 20 ms the agent has to its first request. */
export const AGENT_SETTINGS: { [K in keyof AgentConfig]: AgentSetting<AgentConfig[K]> } = {
  baseUrl: {
    name: "LLM_BASE_URL",
    defaultText: "required",
    doc: "Root of an OpenAI-compatible API; the agent appends `/v1/chat/completions`.",
    read: readRoot,
  },
  model: {
    name: "LLM_MODEL",
    defaultText: "required",
    doc: "Model id sent with every call.",
    read: (text) => (text === undefined ? { problem: "must be set to a model id" } : { value: text }),
  },
  apiKey: {
    name: "LLM_API_KEY",
    defaultText: "unset",
    doc: "The run token, sent as Bearer. Left out of the environment of the commands the model runs; they are of the same user and can find it all the same.",
    secret: true,
    read: (text) => ({ value: text }),
  },
  contextSize: {
    name: "LLM_CONTEXT_SIZE",
    defaultText: "128000",
    doc: "Window of the model in tokens; the reply header `X-Context-Window` overrides it.",
    read: (text) => readCount(text, 128_000, LLM_CONTEXT_TOKENS_MIN, LLM_CONTEXT_TOKENS_MAX),
  },
  stream: {
    name: "LLM_STREAM",
    defaultText: "off",
    doc: "`1` or `true` asks the model for a streamed reply.",
    read: readSwitch,
  },
  tries: {
    name: "LLM_TRIES",
    defaultText: String(TRIES),
    doc: "Tries of one call of the model, the first included, before the run ends as failed. A server that is away is waited for besides; 1 tries nothing again.",
    read: (text) => readCount(text, TRIES, 1, TRIES_MAX),
  },
  images: {
    name: "LLM_IMAGES",
    defaultText: "off",
    doc: "`1` or `true` when the model sees pictures: `read_file` then shows it PNG, JPEG, GIF and WebP files.",
    read: readSwitch,
  },
  workspace: {
    name: "WINDSHIFT_WORKSPACE",
    defaultText: "/workspace",
    doc: "The checkout, absolute. Only the executor without a container sets it.",
    read: (text = "/workspace") =>
      text.startsWith("/") ? { value: text } : { problem: "must be an absolute path" },
  },
  turnsMax: {
    name: "AGENT_TURNS_MAX",
    defaultText: String(AGENT_TURNS_MAX),
    doc: "Model calls after which the run ends as failed.",
    read: (text) => readCount(text, AGENT_TURNS_MAX, 1, 1_000),
  },
};

/** Reads the whole table and gathers every problem; a bad value is refused, never replaced. */
export function readConfig(
  env: Record<string, string | undefined>,
): { kind: "ok"; config: AgentConfig } | { kind: "problems"; problems: string[] } {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(AGENT_SETTINGS)) {
    const text = env[setting.name] || undefined;
    const reading = setting.read(text);
    if ("value" in reading) values[key] = reading.value;
    else
      problems.push(
        `${setting.name} ${reading.problem}${text === undefined ? "" : `, not ${JSON.stringify(withoutSecrets(text).slice(0, 200))}`}`,
      );
  }
  // The table's type ties every key to the type of its value.
  return problems.length > 0
    ? { kind: "problems", problems }
    : { kind: "ok", config: values as unknown as AgentConfig };
}

/** An address as it may be shown: what stands before its host or after its path may be a key. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/]*@/, "//***@").replace(/[?#].*$/s, "?***");
}

function readRoot(text: string | undefined): Reading<string> {
  const problem = "must be the http(s) root of a model API, such as http://broker:8080/api/llm-proxy";
  if (text === undefined || !URL.canParse(text)) return { problem };
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    return { problem };
  return { value: text.replace(/\/+$/, "") };
}

function readCount(text: string | undefined, fallback: number, min: number, max: number): Reading<number> {
  if (text === undefined) return { value: fallback };
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min && count <= max)) return { problem: `must be a whole number from ${min} to ${max}` };
  return { value: count };
}

function readSwitch(text: string | undefined): Reading<boolean> {
  if (text === undefined || text === "0" || text === "false") return { value: false };
  if (text === "1" || text === "true") return { value: true };
  return { problem: "must be 1, true, 0 or false" };
}

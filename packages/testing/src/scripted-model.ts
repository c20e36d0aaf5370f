import type { Server } from "node:http";
import { type ChatCompletionRequest, createServer, type FixtureResponse } from "@copilotkit/aimock";
import { type ModelScript, type ModelTurn, turnOf } from "./model-script.ts";

/** One request the model was asked, as it arrived. */
export interface ModelRequest {
  /** Clock of this process, ms since 1970. */
  atMs: number;
  model: string;
  stream: boolean;
  messages: ChatCompletionRequest["messages"];
  /** Names of the tools it was offered. */
  tools: string[];
}

export interface ScriptedModelOptions {
  script: ModelScript;
  /** The only key that is let in (Bearer); without it every caller is. A wrong key is answered 401. */
  apiKey?: string;
  /** 0 or absent: any free port. */
  port?: number;
}

/** An OpenAI-compatible server on the loopback address that plays a script: real HTTP, streaming and not. */
export interface ScriptedModel {
  /** Root address; clients append `/v1/chat/completions`. */
  readonly url: string;
  /** Requests so far, oldest first. Those turned away for their key are not among them. */
  readonly requests: readonly ModelRequest[];
  /** Plays another script from now on. */
  play(script: ModelScript): void;
  /** Lets go of replies that are held back and ends the server; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the server. A request's turn is the number of assistant messages in it, so the script needs no state: several
 * runs may play it at once, and a retried request gets the same reply. A request past the end is answered 500.
 */
export async function startScriptedModel(options: ScriptedModelOptions): Promise<ScriptedModel> {
  let script = options.script;
  const requests: ModelRequest[] = [];
  const failures = new Map<ModelTurn, number>();
  const stopping = new AbortController();
  const respond = async (request: ChatCompletionRequest): Promise<FixtureResponse> => {
    requests.push(noted(request));
    const spokenBefore = request.messages.filter((message) => message.role === "assistant").length;
    const turn = turnOf(script, spokenBefore);
    if (turn === undefined) return scriptEnded(script, spokenBefore);
    await pause(turn.delay_ms ?? 0, stopping.signal);
    return failure(turn, failures) ?? reply(turn, request);
  };
  const { server, url } = await createServer([{ match: { endpoint: "chat" }, response: respond }], {
    host: "127.0.0.1",
    port: options.port ?? 0,
    ...(options.apiKey === undefined ? {} : { auth: { apiKeys: [options.apiKey] } }),
  });
  let stopped: Promise<void> | undefined;
  return {
    url,
    requests,
    play: (next) => {
      script = next;
    },
    stop: () => {
      stopping.abort();
      stopped ??= closed(server);
      return stopped;
    },
  };
}

/** Replies on their way get this long to be written, ms; connections that clients keep open are cut then. */
const CLOSE_MS_MAX = 500;

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function noted(request: ChatCompletionRequest): ModelRequest {
  return {
    atMs: Date.now(),
    model: request.model,
    stream: request.stream === true,
    messages: structuredClone(request.messages),
    tools: (request.tools ?? []).map((tool) => tool.function.name),
  };
}

function scriptEnded(script: ModelScript, spokenBefore: number): FixtureResponse {
  const message = `the script has ${script.length} turns; this request asks for turn ${spokenBefore + 1}`;
  return { error: { message, type: "server_error" }, status: 500 };
}

function failure(turn: ModelTurn, failures: Map<ModelTurn, number>): FixtureResponse | undefined {
  if (turn.error === undefined) return undefined;
  const before = failures.get(turn) ?? 0;
  if (turn.error.times !== undefined && before >= turn.error.times) return undefined;
  failures.set(turn, before + 1);
  return { error: { message: turn.error.message, type: "server_error" }, status: turn.error.status };
}

/** Bytes of text a token stands for where the script does not say: a usual figure for English and code. */
const BYTES_PER_TOKEN = 4;

function reply(turn: ModelTurn, request: ChatCompletionRequest): FixtureResponse {
  const toolCalls = (turn.tool_calls ?? []).map((call) => ({
    name: call.name,
    arguments: JSON.stringify(call.args),
    ...(call.id === undefined ? {} : { id: call.id }),
  }));
  const content = turn.content ?? "";
  const said = content.length + JSON.stringify(toolCalls).length;
  const usage = {
    prompt_tokens: turn.usage?.input_tokens ?? tokens(JSON.stringify(request.messages).length),
    completion_tokens: turn.usage?.output_tokens ?? tokens(said),
  };
  return toolCalls.length === 0 ? { content, usage } : { content, toolCalls, usage };
}

function tokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

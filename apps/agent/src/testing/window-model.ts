/**
 * A model with a window, over HTTP. It counts every request by a rule of its own and answers 400 when it is over; it checks what a
 * strict provider checks (each result right after its call, no call without a result) and writes down every breach.
 */
export interface WindowModelOptions {
  /** Tokens a request may have. */
  window: number;
  /** Sent as `X-Context-Window`, by the number of the request from 0; undefined for none. */
  told?: (request: number) => number | undefined;
  /** Whether replies carry usage; on unless false. */
  usage?: boolean;
  /** Its answer to a turn. */
  turn(request: Turn): Answer;
  /** Its answer to a question without tools in mind: a summary. */
  summary?(request: Turn): Answer;
  /** Text of the refusal. */
  refusal?: string | undefined;
}

export interface Turn {
  messages: Message[];
  /** Turns answered before this one, summaries and refusals not among them. */
  number: number;
  /** The request as sent. */
  text: string;
}

export interface Message {
  role: string;
  content: string | { type: string }[] | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
  reasoning_content?: string;
}

export type Answer =
  | { calls: [tool: string, args: object][]; text?: string; reasoning?: string }
  | { text: string }
  | { status: number; code?: string }
  | { raw: string };

/** Tokens of a picture by this model's rule. */
const PICTURE_TOKENS = 1_000;

/** The server of such a model, on a port of its own from its construction to its disposal. */
export class WindowModel implements Disposable {
  readonly requests: { text: string; tokens: number; kind: "turn" | "summary" | "refused" }[] = [];
  readonly breaches: string[] = [];
  private turns = 0;
  private readonly server;

  constructor(readonly options: WindowModelOptions) {
    this.server = Bun.serve({ port: 0, fetch: async (request) => this.answer(await request.text()) });
  }

  get url(): string {
    return this.server.url.origin;
  }

  count(kind: "turn" | "summary" | "refused"): number {
    return this.requests.filter((request) => request.kind === kind).length;
  }

  [Symbol.dispose](): void {
    this.server.stop(true);
  }

  private answer(text: string): Response {
    const body = JSON.parse(text) as { messages: Message[]; tools: object[]; stream?: boolean };
    const tokens = countTokens(body.messages) + countText(JSON.stringify(body.tools));
    this.check(body.messages, text);
    const last = body.messages.at(-1);
    const isSummary = typeof last?.content === "string" && last.content.includes("Do not call a tool now");
    const kind = tokens > this.options.window ? "refused" : isSummary ? "summary" : "turn";
    this.requests.push({ text, tokens, kind });
    const told = this.options.told?.(this.requests.length - 1);
    const headers: Record<string, string> = told === undefined ? {} : { "x-context-window": String(told) };
    if (kind === "refused") {
      const message =
        this.options.refusal ??
        `This model's maximum context length is ${this.options.window} tokens. However, your messages resulted in ${tokens} tokens.`;
      return Response.json({ error: { code: "context_length_exceeded", message } }, { status: 400, headers });
    }
    const turn = { messages: body.messages, number: this.turns, text };
    if (!isSummary) this.turns++;
    const answer = isSummary ? (this.options.summary?.(turn) ?? { text: "ok" }) : this.options.turn(turn);
    return this.respond(answer, tokens, body.stream === true, headers);
  }

  private check(messages: Message[], text: string): void {
    const breach = (what: string) => this.breaches.push(`request ${this.requests.length}: ${what}`);
    if (messages[0]?.role !== "system") breach("does not begin with the system prompt");
    if (messages[1]?.role !== "user") breach("has no task after the system prompt");
    const prefix = this.requests[0]?.text.split('"role":"user"')[0];
    if (prefix !== undefined && !text.startsWith(prefix)) breach("begins with other bytes than the first");
    let open = new Set<string>();
    for (const [at, message] of messages.entries()) {
      if (message.role === "tool") {
        if (!open.delete(message.tool_call_id ?? ""))
          breach(`message ${at} is the result of no call before it`);
        continue;
      }
      if (open.size > 0) breach(`message ${at} comes before the results of ${[...open].join(", ")}`);
      open = new Set(message.tool_calls?.map((call) => call.id));
    }
    if (open.size > 0) breach("ends with a call without a result");
  }

  private respond(
    answer: Answer,
    promptTokens: number,
    stream: boolean,
    headers: Record<string, string>,
  ): Response {
    if ("raw" in answer) return new Response(answer.raw, { headers: { "content-type": "application/json" } });
    if ("status" in answer)
      return Response.json({ error: { code: answer.code, message: "scripted" } }, { status: answer.status });
    const calls = "calls" in answer ? answer.calls : [];
    const message = {
      role: "assistant",
      content: answer.text ?? null,
      ...("reasoning" in answer ? { reasoning_content: answer.reasoning } : {}),
      ...(calls.length === 0
        ? {}
        : { tool_calls: calls.map(([name, args], index) => callOf(name, args, index)) }),
    };
    const finish_reason = calls.length > 0 ? "tool_calls" : "stop";
    const usage = { prompt_tokens: promptTokens, completion_tokens: countTokens([message as Message]) };
    const figures = this.options.usage === false ? {} : { usage };
    if (!stream)
      return Response.json({ choices: [{ index: 0, message, finish_reason }], ...figures }, { headers });
    const chunks = [
      { choices: [{ index: 0, delta: message, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason }], ...figures },
    ];
    return new Response(
      `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`,
      {
        headers: { ...headers, "content-type": "text/event-stream" },
      },
    );
  }
}

function callOf(name: string, args: object, index: number) {
  return {
    index,
    id: `call_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  };
}

function countTokens(messages: Message[]): number {
  let tokens = 0;
  for (const { content, tool_calls, reasoning_content } of messages) {
    tokens += 4 + countText(reasoning_content ?? "");
    if (typeof content === "string") tokens += countText(content);
    else
      for (const part of content ?? [])
        tokens += part.type === "image_url" ? PICTURE_TOKENS : countText(JSON.stringify(part));
    for (const call of tool_calls ?? [])
      tokens += 12 + countText(call.function.name) + countText(call.function.arguments);
  }
  return tokens;
}

/** Of every text counted so far: each request repeats those of the requests before it. */
const counts = new Map<string, number>();

/** The pieces byte-pair tokenizers cut a text into first, each then in parts of its usual length. */
export function countText(text: string): number {
  let tokens = counts.get(text) ?? 0;
  if (tokens > 0) return tokens;
  for (const [piece] of text.matchAll(/ ?[A-Za-z]+| ?\d+|[\u0080-\uffff]|\n+| +|[^A-Za-z0-9\s]+/g)) {
    const code = piece.charCodeAt(piece.length - 1);
    if (code > 127) tokens += 1;
    else if (/\d/.test(piece)) tokens += Math.ceil(piece.length / 3);
    else if (/[a-z][A-Z]|[A-Z]{2}/.test(piece)) tokens += Math.ceil(piece.length / 1.6);
    else if (/[A-Za-z]/.test(piece)) tokens += Math.ceil(piece.length / 7);
    else tokens += Math.ceil(piece.length / 4);
  }
  counts.set(text, tokens);
  return tokens;
}

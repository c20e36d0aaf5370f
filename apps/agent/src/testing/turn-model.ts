import { LLMock } from "@copilotkit/aimock";

export type Call = [tool: string, args: object | string];

/** What the model says in one turn. */
export type Turn =
  | { calls: Call[]; text?: string }
  | { text: string; finishReason?: string }
  | { status: number; code?: string; retryAfter?: number };

export const FINISH = { calls: [["finish", { outcome: "completed", summary: "all done" }]] } satisfies Turn;

/**
 * A model that says one turn after the other, whatever it is asked; the last one again and again. Unlike the scripted model
 * of `packages/testing` it can break every rule of the API.
 */
export class TurnModel implements AsyncDisposable {
  private constructor(
    private readonly mock: LLMock,
    readonly url: string,
  ) {}

  static async start(turns: readonly Turn[]): Promise<TurnModel> {
    let at = 0;
    const mock = new LLMock({ port: 0 });
    mock.on({ predicate: () => true }, () => responseOf(turns[Math.min(at++, turns.length - 1)] ?? FINISH));
    return new TurnModel(mock, await mock.start());
  }

  /** Bodies of the requests so far. */
  requests(): RequestBody[] {
    return this.mock.getRequests().map((entry) => entry.body as unknown as RequestBody);
  }

  /** What the model was told by the tool of the last turn. */
  toolResult(request: number, call = 0): string {
    const messages = this.requests()[request]?.messages ?? [];
    const results = messages.slice(messages.findLastIndex((m) => m.role === "assistant") + 1);
    return results.filter((m) => m.role === "tool")[call]?.content ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mock.stop();
  }
}

export interface RequestBody {
  model: string;
  stream?: boolean;
  tools: { function: { name: string } }[];
  messages: { role: string; content: string; tool_call_id?: string }[];
}

function responseOf(turn: Turn) {
  if ("status" in turn)
    return {
      error: { message: `scripted ${turn.status}`, ...(turn.code === undefined ? {} : { code: turn.code }) },
      status: turn.status,
      ...(turn.retryAfter === undefined ? {} : { retryAfter: turn.retryAfter }),
    };
  if (!("calls" in turn))
    return {
      content: turn.text,
      ...(turn.finishReason === undefined ? {} : { finishReason: turn.finishReason }),
    };
  const toolCalls = turn.calls.map(([name, args], index) => ({
    id: `call_${index}`,
    name,
    arguments: typeof args === "string" ? args : JSON.stringify(args),
  }));
  return turn.text === undefined ? { toolCalls } : { content: turn.text, toolCalls };
}

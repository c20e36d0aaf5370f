import type { TestClient } from "./test-client.ts";

/** A stream of server-sent events, read over real HTTP as a browser reads it. */
export interface TestStream {
  status: number;
  /** Those that came so far. */
  events: { event: string; data: unknown }[];
  /** Resolves when the server has ended it. */
  ended: Promise<void>;
  hasEnded(): boolean;
  close(): Promise<void>;
}

/** Opens a stream of events as the signed-in client; resolves with the answer's head, also when that is a refusal. */
export async function openStream(client: TestClient, path: string): Promise<TestStream> {
  const abort = new AbortController();
  const response = await fetch(client.baseUrl + path, {
    headers: { cookie: client.cookieHeader(), origin: client.baseUrl },
    signal: abort.signal,
  });
  let over = false;
  const stream: TestStream = {
    status: response.status,
    events: [],
    ended: Promise.resolve(),
    hasEnded: () => over,
    close: async () => {
      abort.abort();
      await stream.ended;
    },
  };
  stream.ended = read(response, stream).finally(() => {
    over = true;
  });
  return stream;
}

async function read(response: Response, { events }: TestStream): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/m.exec(block) ?? [];
        if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
      }
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AbortError") throw error;
  }
}

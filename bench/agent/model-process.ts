import type { IncomingMessage } from "node:http";
import { type ChatCompletionRequest, createServer, type FixtureResponse } from "@copilotkit/aimock";
import { type ArrivedRequest, type BenchTurn, type FromModel, machineMs, ToModel } from "./model-messages.ts";

/**
 * The scripted model as a program of its own, so that its work is not counted as anyone's: `bun model-process.ts`, started
 * with an IPC channel. It answers at once. Which turn a request gets is the number of assistant messages in it.
 */
let turns: readonly BenchTurn[] = [];
let asked: ArrivedRequest[] = [];

const { server, url } = await createServer(
  [{ match: { predicate: () => true }, response: (request) => answer(request) }],
  // The journal would keep every request of every run.
  { host: "127.0.0.1", port: 0, journalMaxEntries: 1 },
);
server.prependListener("request", note);
process.on("message", (message) => {
  const order = ToModel.parse(message);
  switch (order.kind) {
    case "play":
      turns = order.turns;
      asked = [];
      return send({ kind: "playing" });
    case "tell":
      return send({ kind: "asked", requests: asked });
  }
});
process.on("disconnect", () => process.exit(0));
send({ kind: "listening", url });

/** Only what asks for the next message counts; harnesses look for models and the like, too. */
function note(request: IncomingMessage): void {
  const bytes = Number(request.headers["content-length"]);
  if (request.method === "POST" && bytes > 0) asked.push({ atMs: machineMs(), bytes });
}

function answer(request: ChatCompletionRequest): FixtureResponse {
  const spoken = request.messages.filter((message) => message.role === "assistant").length;
  const turn = turns[spoken];
  if (turn === undefined) {
    const message = `the script has ${turns.length} turns; this request asks for turn ${spoken + 1}`;
    return { error: { message, type: "invalid_request_error" }, status: 400 };
  }
  if ("text" in turn) return { content: turn.text };
  return { toolCalls: [{ name: turn.tool, arguments: JSON.stringify(turn.args) }] };
}

function send(message: FromModel): void {
  process.send?.(message);
}

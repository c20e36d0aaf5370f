import { afterEach, describe, expect, test } from "bun:test";
import { z } from "zod";
import { eventually } from "./eventually.ts";
import { ModelScript } from "./model-script.ts";
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts";

const Completion = z.object({
  choices: z.tuple([
    z.object({
      message: z.object({
        content: z.string().nullable(),
        tool_calls: z
          .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
          .optional(),
      }),
      finish_reason: z.string(),
    }),
  ]),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }),
});

const script = ModelScript.parse([
  {
    content: "looking",
    tool_calls: [{ name: "bash", args: { command: "ls" } }],
    usage: { input_tokens: 11, output_tokens: 5 },
  },
  { error: { status: 503, message: "busy", times: 1 }, content: "after all" },
  { content: "over and over", repeat: true },
]);

let model: ScriptedModel;
afterEach(() => model.stop());

function ask(spokenBefore: number, options: { stream?: boolean; key?: string } = {}): Promise<Response> {
  const messages = [
    { role: "user", content: "go" },
    ...Array.from({ length: spokenBefore }, () => ({ role: "assistant", content: "so far" })),
  ];
  return fetch(`${model.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${options.key ?? "any"}` },
    body: JSON.stringify({ model: "scripted", messages, stream: options.stream ?? false }),
  });
}

async function completion(reply: Response) {
  return Completion.parse(await reply.json());
}

describe("the scripted model", () => {
  test("answers with the turn that the number of assistant messages names", async () => {
    model = await startScriptedModel({ script });
    const first = await completion(await ask(0));
    expect(first.choices[0].message.tool_calls).toEqual([
      expect.objectContaining({ function: { name: "bash", arguments: '{"command":"ls"}' } }),
    ]);
    expect(first.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 5 });
    expect((await completion(await ask(2))).choices[0].message.content).toBe("over and over");
    expect((await completion(await ask(9))).choices[0].message.content).toBe("over and over");
    expect(model.requests.map((request) => request.messages.length)).toEqual([1, 3, 10]);
  });

  test("streams the same reply when asked to", async () => {
    model = await startScriptedModel({ script });
    const reply = await ask(0, { stream: true });
    expect(reply.headers.get("content-type")).toContain("text/event-stream");
    const text = await reply.text();
    expect(text).toContain("looking");
    expect(text.trimEnd()).toEndWith("data: [DONE]");
  });

  test("fails a turn as often as the script says, then gives its reply", async () => {
    model = await startScriptedModel({ script });
    expect((await ask(1)).status).toBe(503);
    expect((await completion(await ask(1))).choices[0].message.content).toBe("after all");
  });

  test("answers 500 past the end of the script, naming the turn", async () => {
    model = await startScriptedModel({ script: script.slice(0, 1) });
    const reply = await ask(1);
    expect(reply.status).toBe(500);
    expect(await reply.text()).toContain("turn 2");
  });

  test("lets in only the key it was given", async () => {
    model = await startScriptedModel({ script, apiKey: "provider-key" });
    expect((await ask(0, { key: "another-key" })).status).toBe(401);
    expect((await ask(0, { key: "provider-key" })).status).toBe(200);
    expect(model.requests).toHaveLength(1);
  });

  test("ends while a reply is still held back", async () => {
    model = await startScriptedModel({ script: [{ content: "late", delay_ms: 3_600_000 }] });
    const reply = ask(0).then(
      () => "answered",
      () => "cut off",
    );
    await eventually("the request arrived", () => model.requests.length === 1);
    await model.stop();
    expect(["answered", "cut off"]).toContain(await reply);
  });
});

/**
 * The least a harness on this runtime can be: asks, runs the commands of the reply, asks again, until `finish` is called or
 * nothing is. No limits, no events, no care for failures: it is what ours is compared with, not an example.
 */
const { LLM_BASE_URL = "", LLM_MODEL = "", LLM_API_KEY = "", WINDSHIFT_WORKSPACE = "." } = process.env;

interface Call {
  id: string;
  function: { name: string; arguments: string };
}

const tools = ["bash", "finish"].map((name) => ({
  type: "function",
  function: {
    name,
    description: name === "bash" ? "Run a shell command in the checkout." : "End the run.",
    parameters: {
      type: "object",
      properties:
        name === "bash"
          ? { command: { type: "string" } }
          : { outcome: { type: "string" }, summary: { type: "string" } },
    },
  },
}));

async function main(): Promise<void> {
  const line = await firstLine();
  const messages: object[] = [
    { role: "system", content: "You are a coding agent. Do the task with the bash tool, then call finish." },
    { role: "user", content: JSON.parse(line).message },
  ];
  for (;;) {
    const response = await fetch(`${LLM_BASE_URL}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${LLM_API_KEY}` },
      body: JSON.stringify({ model: LLM_MODEL, tools, messages }),
    });
    const { message } = ((await response.json()) as { choices: [{ message: { tool_calls?: Call[] } }] })
      .choices[0];
    messages.push(message);
    const calls = message.tool_calls ?? [];
    if (calls.length === 0 || calls.some((call) => call.function.name === "finish")) break;
    for (const call of calls)
      messages.push({ role: "tool", tool_call_id: call.id, content: await run(call) });
  }
  process.stdout.write('{"type":"session_idle"}\n', () => process.exit(0));
}

async function run(call: Call): Promise<string> {
  const child = Bun.spawn(["bash", "-c", JSON.parse(call.function.arguments).command], {
    cwd: WINDSHIFT_WORKSPACE,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  return new Response(child.stdout).text();
}

async function firstLine(): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of Bun.stdin.stream()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text;
}

void main();

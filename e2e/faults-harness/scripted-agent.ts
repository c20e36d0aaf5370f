import { git } from "@windshift/base/git.ts";

/**
 * The agent of the fault runs: as `windshift-agent` speaks, but small. It asks its model a few times, names run and attempt in each
 * request and in its commit, so that whoever looks at the model or at the repository sees whose work that is, and ends.
 */
const [, run = "0", attempt = "0"] =
  /run-(\d+)-(\d+)-agent/.exec(process.env.WINDSHIFT_SANDBOX ?? process.env.FAULTS_ATTEMPT ?? "") ?? [];
/** Every fourth run's agent does not hear that it is to stop: it has to be ended by force. */
const isStubborn = Number(run) % 4 === 0;
const TURNS = 4;
const POISON = "POISON";
/** How long an agent goes on asking a server that does not answer, ms. */
const PATIENCE_MS = 20_000;
const RETRY_MS = 250;

const out = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function main(): Promise<void> {
  out({ type: "starting", version: "0", model: process.env.LLM_MODEL });
  const messages: { role: string; content: string }[] = [
    { role: "user", content: `run ${run} attempt ${attempt}` },
  ];
  for (let turn = 0; turn < TURNS; turn++) {
    const said = await ask(messages);
    messages.push({ role: "assistant", content: said });
    messages.push({ role: "user", content: `go on, ${turn}` });
    out({ type: "content", text: said });
    out({ type: "tool_start", id: `t${turn}`, tool: "write", args: { turn } });
    await Bun.write(`work-${run}.txt`, `attempt ${attempt}, turn ${turn}\n`);
    out({
      type: "tool_done",
      id: `t${turn}`,
      tool: "write",
      output: "written",
      exit_code: 0,
      duration_ms: 1,
    });
    if (turn === TURNS - 2) await commit();
  }
  out({ type: "finish", outcome: "completed", summary: `done by attempt ${attempt}` });
}

async function ask(messages: object[]): Promise<string> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const reply = await fetch(`${process.env.LLM_BASE_URL}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${process.env.LLM_API_KEY}`,
      },
      body: JSON.stringify({ model: process.env.LLM_MODEL, messages }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => undefined);
    if (reply?.ok) return ((await reply.json()) as Said).choices[0]?.message.content ?? "";
    // A stubborn one asks on with a token that is refused, as long as nobody ends it.
    const refused = reply !== undefined && reply.status < 500 && reply.status !== 429;
    if ((refused && !isStubborn) || performance.now() > endMs)
      throw new Error(`the model does not answer (${reply?.status ?? "no connection"})`);
    await Bun.sleep(RETRY_MS);
  }
}

interface Said {
  choices: { message: { content: string } }[];
}

async function commit(): Promise<void> {
  const options = { cwd: process.cwd(), timeoutMs: PATIENCE_MS };
  const who = ["-c", "user.name=Agent", "-c", "user.email=agent@example.test"];
  for (const args of [
    ["add", "--all"],
    [...who, "commit", "--quiet", "-m", `run ${run} attempt ${attempt}`],
  ]) {
    const { exitCode, stderr } = await git(args, options);
    if (exitCode !== 0) throw new Error(stderr);
  }
}

/** The prompt begins the work; `abort` or the end of input ends it. */
async function listen(): Promise<void> {
  let begun = false;
  for await (const line of console) {
    const { type, message } = JSON.parse(line) as { type: string; message?: string };
    // Kills whoever runs it: the agent of a run that no host survives.
    if (message?.includes(POISON)) process.kill(process.ppid, "SIGKILL");
    if (type === "prompt") {
      begun = true;
      void main().then(
        () => end(0),
        (error: Error) => {
          out({ type: "error", message: error.message });
          end(1);
        },
      );
    } else if (type === "abort" && !isStubborn) {
      out({ type: "error", code: "aborted", message: "stopped" });
      end(1);
    }
  }
  if (!begun) end(1);
}

function end(code: number): void {
  process.stdout.write(`${JSON.stringify({ type: "session_idle" })}\n`, () => process.exit(code));
}

void listen();

#!/usr/bin/env node
/*
 * A small coding agent of a design of its own, without tool calls: the model writes shell commands in fenced blocks, each is
 * run, and a reply without one ends the work. Knows nothing of Windshift. The prompt comes on stdin.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { OPENAI_BASE_URL, OPENAI_API_KEY, LLM_MODEL } = process.env;
const json = process.argv.includes("--json");
/** Model calls, then it gives up. */
const TURNS_MAX = 50;

const messages = [
  {
    role: "system",
    content: "You are at work in a shell. Write ONE command in a ```sh block; end without one.",
  },
  { role: "user", content: readFileSync(0, "utf8") },
];
for (let turn = 1; turn <= TURNS_MAX; turn++) {
  const reply = await ask();
  messages.push({ role: "assistant", content: reply });
  const command = /```sh\n([\s\S]*?)```/.exec(reply)?.[1]?.trim();
  say({ kind: "text", text: reply }, reply);
  if (command === undefined) break; // ends once all it said is written
  if (turn === TURNS_MAX) fail(`not done after ${TURNS_MAX} turns`);
  say({ kind: "run", number: turn, command }, `$ ${command}`);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  say({ kind: "ran", number: turn, output: stdout + stderr, status }, stdout + stderr);
  messages.push({ role: "user", content: `exit code ${status}\n${stdout}${stderr}` });
}

async function ask() {
  const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${OPENAI_API_KEY}` },
    body: JSON.stringify({ model: LLM_MODEL, messages }),
  }).catch((error) => fail(`the model cannot be reached: ${error}`));
  if (!response.ok) fail(`the model answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  return String((await response.json()).choices?.[0]?.message?.content ?? "");
}

function say(event, text) {
  process.stdout.write(`${json ? JSON.stringify(event) : text}\n`);
}

function fail(why) {
  process.stderr.write(`loop-agent: ${why}\n`);
  process.exit(1);
}

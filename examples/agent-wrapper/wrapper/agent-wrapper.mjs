#!/usr/bin/env node
/*
 * Makes any coding agent with a command line a Windshift agent: speaks the contract of docs/agent.md on stdin and stdout, and
 * starts AGENT_COMMAND for the work. Without dependencies, for Node 20 or newer and for Bun. Settings: README.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runCommand } from "./command.mjs";
import { emit, fail, finish, parseObject, told } from "./events.mjs";
import { commitLeftovers } from "./leftovers.mjs";
import { settings } from "./settings.mjs";

const HOW_TO_END = `

Commit your work with git on the current branch, in clear steps; you cannot push. If you cannot go on, end your last message
with a line "BLOCKED: why". If you need an answer from a person, end it with a line "QUESTION: what".`;

const stopping = new AbortController();
const waiting = [];

emit({ type: "starting", version: "agent-wrapper", model: process.env.LLM_MODEL });
const exitCode = await runSession().catch((error) => fail(String(error?.message ?? error), "internal"));
emit({ type: "session_idle" });
process.stdout.end(() => process.exit(exitCode));

/** From the prompt to the one `finish` or `error` line. Resolves with the exit code. */
async function runSession() {
  const scratch = mkdtempSync(join(tmpdir(), "agent-wrapper-"));
  const place = { scratch, signal: stopping.signal };
  try {
    const prompt = await readInput();
    if (prompt === undefined) return fail("the input ended before a prompt came", "no_prompt");
    let code = await runCommand(settings.command, `${prompt}${HOW_TO_END}`, place);
    // Without a command that goes on with the conversation there is nobody to read a message: it stays without a receipt,
    // and Windshift starts the next run with it.
    while (code === 0 && settings.followUp !== "" && waiting.length > 0 && !stopping.signal.aborted) {
      const messages = waiting.splice(0);
      for (const { id } of messages) emit({ type: "received", id });
      code = await runCommand(settings.followUp, messages.map(({ text }) => text).join("\n\n"), place);
    }
    if (stopping.signal.aborted) return fail("aborted by request; commits made so far are kept", "aborted");
    commitLeftovers();
    if (code !== 0) return fail(told.fault ?? `the agent's command ended with ${code}`, "command_failed");
    if (told.fault !== undefined) return fail(told.fault, "agent_error");
    return finish(told.said.trim());
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Reads the runner's lines for as long as they come. Resolves with the prompt, or undefined when there will be none. */
function readInput() {
  return new Promise((resolve) => {
    const stop = () => {
      stopping.abort();
      resolve(undefined);
    };
    const input = createInterface({ input: process.stdin });
    input.on("close", stop); // the end of input means: shut down
    process.on("SIGTERM", stop);
    input.on("line", (line) => {
      const { type, message, text, id } = parseObject(line) ?? {};
      if (type === "prompt" && typeof message === "string") resolve(message);
      if (type === "message" && typeof text === "string" && typeof id === "string")
        waiting.push({ id, text });
      if (type === "abort") stop(); // anything else is for a later version of the contract
    });
  });
}

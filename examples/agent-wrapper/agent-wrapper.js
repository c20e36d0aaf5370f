#!/usr/bin/env node
/*
 * Makes any coding agent with a command line a Windshift agent: speaks the contract of docs/agent.md on stdin and stdout, and
 * starts AGENT_COMMAND for the work. One file without dependencies, for Node 20 or newer and for Bun. Settings: README.md.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { StringDecoder } from "node:string_decoder";

/** Between the polite signal and the one nothing survives, ms. The runner kills the container 10 s after `abort`. */
const TERM_GRACE_MS = 3_000;
/** How long output is read after a command's group is dead, ms: what left the group may hold the pipe open for ever. */
const DRAIN_MS_MAX = 500;
/** Longest text of one event, characters; a line may have 1 MiB, and a character takes up to six bytes of JSON. */
const TEXT_CHARS_MAX = 100_000;
/** Longest summary, characters: the end of what the agent said. */
const SUMMARY_CHARS_MAX = 8_000;
/** What a rule may make of a line. */
const RULE_TYPES = ["content", "tool_start", "tool_output", "tool_done", "usage", "error"];
const HOW_TO_END = `

Commit your work with git on the current branch, in clear steps; you cannot push. If you cannot go on, end your last message
with a line "BLOCKED: why". If you need an answer from a person, end it with a line "QUESTION: what".`;

const env = process.env;
const settings = readSettings();
const stopping = new AbortController();
const waiting = [];
/** What the agent said since its command began, and the last fault it told of; text after a fault means it got over it. */
let said = "";
let commandsBegun = 0;
let fault;
const startedAt = new Map();

emit({ type: "starting", version: "agent-wrapper", model: env.LLM_MODEL });
const exitCode = await runSession().catch((error) => fail(String(error?.message ?? error), "internal"));
emit({ type: "session_idle" });
process.stdout.end(() => process.exit(exitCode));

/** From the prompt to the one `finish` or `error` line. Resolves with the exit code. */
async function runSession() {
  const scratch = mkdtempSync(join(tmpdir(), "agent-wrapper-"));
  try {
    const prompt = await readInput();
    if (prompt === undefined) return fail("the input ended before a prompt came", "no_prompt");
    let code = await runCommand(settings.command, `${prompt}${HOW_TO_END}`, scratch);
    // Without a command that goes on with the conversation there is nobody to read a message: it stays without a receipt,
    // and Windshift starts the next run with it.
    while (code === 0 && settings.followUp !== "" && waiting.length > 0 && !stopping.signal.aborted) {
      const messages = waiting.splice(0);
      for (const { id } of messages) emit({ type: "received", id });
      code = await runCommand(settings.followUp, messages.map(({ text }) => text).join("\n\n"), scratch);
    }
    if (stopping.signal.aborted) return fail("aborted by request; commits made so far are kept", "aborted");
    commitLeftovers();
    if (code !== 0) return fail(fault ?? `the agent's command ended with ${code}`, "command_failed");
    if (fault !== undefined) return fail(fault, "agent_error");
    return finish(said.trim());
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

/** Runs a shell command with the prompt on stdin and in $PROMPT_FILE. Resolves with its exit code or signal. */
async function runCommand(command, prompt, scratch) {
  const promptFile = join(scratch, "prompt.md");
  writeFileSync(promptFile, prompt, { mode: 0o600 });
  commandsBegun++;
  said = "";
  fault = undefined;
  const child = spawn("sh", ["-c", command], {
    cwd: settings.workspace,
    env: { ...commandEnv(), PROMPT_FILE: promptFile },
    stdio: ["pipe", "pipe", "inherit"], // what it says on stderr becomes the run's `stderr` events
    detached: true, // a process group of its own, which can be ended as a whole
  });
  const exited = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? signal));
  });
  child.stdin.on("error", () => {}); // an agent need not read its stdin
  child.stdin.end(prompt);
  const end = () => {
    signalGroup(child.pid, "SIGTERM");
    setTimeout(() => signalGroup(child.pid, "SIGKILL"), TERM_GRACE_MS).unref();
  };
  stopping.signal.addEventListener("abort", end, { once: true });
  if (stopping.signal.aborted) end();
  const read = readOutput(child.stdout);
  try {
    const code = await exited;
    signalGroup(child.pid, "SIGKILL"); // what it left in the background ends with it
    const late = setTimeout(() => child.stdout.destroy(), DRAIN_MS_MAX);
    await read.catch(() => {}); // destroyed: everything before was read
    clearTimeout(late);
    return code;
  } finally {
    stopping.signal.removeEventListener("abort", end);
  }
}

/** Turns what the command prints into events: plain text as it comes, or line by line as the table of rules says. */
async function readOutput(stream) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    if (settings.rules === undefined) say(decoder.write(chunk));
    else {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) translate(line);
    }
    if (process.stdout.writableNeedDrain)
      await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
  if (settings.rules !== undefined && rest !== "") translate(rest);
}

/** Emits the event of the first rule that fits a line; a line that is no JSON is text. */
function translate(line) {
  const fields = parseObject(line);
  if (fields === undefined) return say(`${line}\n`);
  const fits = ({ when }) => Object.entries(when).every(([path, value]) => valueAt(fields, path) === value);
  const rule = settings.rules?.find(fits);
  if (rule !== undefined) emitAs(rule.emit.type, (name) => filled(fields, rule.emit[name]));
}

/** Of what a rule gives, only what the contract knows goes out, each field of its type and none too long. */
function emitAs(type, field) {
  const text = (name) => shortened(textOf(field(name)));
  const id = `${commandsBegun}.${text("id")}`; // no other call of the run has it: a follow-up may number anew
  if (type === "content") say(textOf(field("text")));
  if (type === "error") fault = text("message");
  if (type === "tool_output") emit({ type, id, text: text("text") });
  if (type === "tool_start") {
    said = ""; // the summary is what the agent says last
    startedAt.set(id, performance.now());
    const args = field("args") ?? {};
    emit({ type, id, tool: text("tool"), args: textOf(args).length > TEXT_CHARS_MAX ? text("args") : args });
  }
  if (type === "tool_done") {
    const duration_ms = Math.round(performance.now() - (startedAt.get(id) ?? performance.now()));
    const exit_code = Number.isInteger(field("exit_code")) ? field("exit_code") : undefined;
    emit({ type, id, tool: text("tool"), output: text("output"), exit_code, duration_ms });
  }
  if (type === "usage") {
    const count = (name) => Math.max(0, Number(field(name)) || 0);
    const [input_tokens, output_tokens] = [count("input_tokens"), count("output_tokens")];
    emit({ type, input_tokens, output_tokens, context_used: input_tokens + output_tokens });
  }
}

/** A text that starts with "$." is a path into the line; anything else stands for itself. */
function filled(fields, value) {
  if (typeof value === "string") return value.startsWith("$.") ? valueAt(fields, value.slice(2)) : value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(fields, inner)]));
}

function valueAt(fields, path) {
  return path.split(".").reduce((value, name) => value?.[name], fields);
}

function shortened(text) {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}… [cut by the wrapper]` : text;
}

function say(text) {
  if (text === "") return;
  for (let at = 0; at < text.length; at += TEXT_CHARS_MAX)
    emit({ type: "content", text: text.slice(at, at + TEXT_CHARS_MAX) });
  said = (said + text).slice(-SUMMARY_CHARS_MAX);
  if (text.trim() !== "") fault = undefined;
}

/** Says how the work ended; a last line of its own tells of what stands in the way. */
function finish(summary) {
  if (summary === "") return fail("the agent's command ended without a word", "no_finish");
  const [, word] = /(?:^|\n)(BLOCKED|QUESTION):[^\n]*$/.exec(summary) ?? [];
  const outcome = word === undefined ? "completed" : word === "BLOCKED" ? "blocked" : "needs_info";
  emit({ type: "finish", outcome, summary });
  return 0;
}

function fail(message, code) {
  emit({ type: "error", message: message.slice(-SUMMARY_CHARS_MAX), code });
  return 1;
}

/** What the agent left uncommitted would be lost with the container: the wrapper commits it and says so. */
function commitLeftovers() {
  const git = (...args) =>
    execFileSync("git", args, {
      cwd: settings.workspace,
      env: commandEnv(),
      encoding: "utf8",
      stdio: "pipe",
    });
  try {
    if (git("status", "--porcelain") === "") return;
    git("add", "--all");
    git("commit", "--quiet", "--no-verify", "-m", "Keep uncommitted changes of the run", ...trailers());
    emit({ type: "message", role: "agent", text: "Uncommitted changes were committed by the wrap-up." });
  } catch (error) {
    emit({ type: "message", role: "agent", text: `Uncommitted changes could not be committed: ${error}` });
  }
}

function trailers() {
  const known = [
    ["Windshift-Run", env.AGENT_RUN_ID],
    ["Windshift-Item", env.WINDSHIFT_ITEM_KEY],
    ["Requested-by", env.WINDSHIFT_REQUESTED_BY],
  ];
  return known.flatMap(([name, value]) => (value ? ["--trailer", `${name}: ${value}`] : []));
}

/** Author and hook of the contract, and the names under which most agents look for their model. */
function commandEnv() {
  return {
    ...env,
    GIT_AUTHOR_NAME: "windshift-agent",
    GIT_AUTHOR_EMAIL: "agent@windshift.local",
    GIT_COMMITTER_NAME: "windshift-agent",
    GIT_COMMITTER_EMAIL: "agent@windshift.local",
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.hooksPath",
    GIT_CONFIG_VALUE_0: settings.hooksDir,
    OPENAI_BASE_URL: `${env.LLM_BASE_URL?.replace(/\/+$/, "")}/v1`,
    OPENAI_API_KEY: env.LLM_API_KEY ?? "",
  };
}

/** Everything wrong is said in one line on stderr, and nothing on stdout. */
function readSettings() {
  const problems = [];
  for (const name of ["AGENT_COMMAND", "LLM_BASE_URL", "LLM_MODEL"])
    if (!env[name]) problems.push(`${name} must be set`);
  if (env.LLM_BASE_URL && !/^https?:\/\/[^/\s]/.test(env.LLM_BASE_URL))
    problems.push(`LLM_BASE_URL must be an http(s) address, not ${JSON.stringify(env.LLM_BASE_URL)}`);
  let rules;
  try {
    if (env.AGENT_RULES) rules = JSON.parse(readFileSync(env.AGENT_RULES, "utf8"));
    if (rules?.some(({ when, emit }) => !when || !RULE_TYPES.includes(String(emit?.type))))
      throw new Error(`each has \`when\`, and \`emit\` with a type of ${RULE_TYPES.join(", ")}`);
  } catch (error) {
    problems.push(
      `AGENT_RULES must name a file with an array of rules: ${String(error).replace(/\s+/g, " ")}`,
    );
  }
  if (problems.length > 0) {
    process.stderr.write(`agent-wrapper: bad settings: ${problems.join("; ")}\n`);
    process.exit(2);
  }
  return {
    command: env.AGENT_COMMAND ?? "",
    followUp: env.AGENT_FOLLOW_UP_COMMAND ?? "",
    rules,
    // The hook that puts the run's trailers on each commit; the Dockerfile takes it from the agent image.
    hooksDir: env.AGENT_HOOKS_DIR || "/usr/local/share/windshift/git-hooks",
    workspace: env.WINDSHIFT_WORKSPACE || "/workspace",
  };
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone already.
  }
}

function parseObject(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function emit(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

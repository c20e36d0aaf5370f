import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { exec } from "@windshift/base/exec.ts";
import type { ApiTokenWithSecret } from "@windshift/contract/api/token.ts";
import { RunEvent } from "@windshift/contract/event.ts";
import { appendEvents } from "@windshift/server/runs/run-events.ts";
import type { TestClient } from "@windshift/server/testing/test-client.ts";
import { startTestServer, type TestServer } from "@windshift/server/testing/test-server.ts";
import {
  create,
  createTestWorkspace,
  startLiveRun,
  type TestWorkspace,
} from "@windshift/server/testing/test-workspace.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";

setDefaultTimeout(60_000);

/** As a compiled program, it must not read a folder's .env by itself. */
const WS = programCommand("ws");
const home = tempDir();
let server: TestServer;
let ada: TestClient;
let workspace: TestWorkspace;
let token: string;
beforeAll(async () => {
  server = await startTestServer();
  ada = await server.setUp();
  workspace = await createTestWorkspace(ada, "DEMO");
  const made = { name: "ws", scopes: ["write"] };
  token = (await create<ApiTokenWithSecret>(ada, "/api/v1/tokens", made)).token;
  await ws(["login", server.url, "--with-token"], { stdin: token });
});
afterAll(async () => {
  await server?.close();
  home.remove();
});

function ws(args: string[], options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {}) {
  return exec([...WS, ...args], {
    env: environment(options.env),
    cwd: options.cwd ?? home.path,
    stdin: options.stdin ?? "",
    timeoutMs: 30_000,
  });
}

function environment(more: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: home.path, ...more };
}

/** What a command prints; fails with its words when it fails. */
async function said(args: string[], stdin?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await ws(args, stdin === undefined ? {} : { stdin });
  expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: "" });
  return stdout.trimEnd();
}

describe("ws on a person's machine", () => {
  test("CL-03 signs in with a token on stdin, kept for its owner alone and never printed", async () => {
    const result = await ws(["login", server.url, "--with-token"], { stdin: `${token}\n` });
    expect(result.exitCode).toBe(0);
    expect(result.stdout + result.stderr).not.toContain(token);
    const file = join(home.path, ".config/windshift/ws.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ workspace: "DEMO", token });
    expect(await said(["whoami"])).toContain("ada@example.test");
  });

  test("creates, finds, edits and assigns work items", async () => {
    await create(ada, "/api/v1/workspaces/DEMO/labels", { name: "bug" });
    const key = await said(
      ["item", "create", "-t", "Spell hello", "-d", "-", "-l", "bug", "-p", "high"],
      "It says *helo*.\n",
    );
    expect(key).toMatch(/^DEMO-\d+$/);
    expect(await said(["item", "list", "-q", "spell"])).toContain(key);
    expect(await said(["item", "list", "-l", "bug", "-p", "urgent"])).toBe("");
    await said(["item", "edit", key, "-s", "in_progress", "-t", "Spell hello right"]);
    expect(await said(["item", "assign", key, "me"])).toContain("is assigned to");
    await said(["comment", "add", key, "-m", "On it."]);
    const shown = await said(["item", "show", key]);
    for (const words of [
      "Spell hello right",
      "status: in_progress",
      "priority: high",
      "labels: bug",
      "It says *helo*.",
      "On it.",
    ])
      expect(shown).toContain(words);
    const json = JSON.parse(await said(["item", "show", key, "-o", "json"]));
    expect(json).toMatchObject({ key, comments: [{ body: "On it." }] });
    expect(JSON.parse(await said(["-o", "json", "item", "list", "-a", "me"])).items[0].key).toBe(key);
  });

  test("writes and reads pages and skills", async () => {
    const page = await said(["page", "create", "-t", "How we work", "-d", "In *small* steps."]);
    await said(["page", "edit", page, "-t", "How we really work"]);
    expect(await said(["page", "show", page])).toBe("How we really work\n\nIn *small* steps.");
    expect(await said(["page", "list"])).toContain("How we really work");
    await create(ada, "/api/v1/workspaces/DEMO/skills", {
      name: "Commits",
      description: "How to commit",
      body: "Say why.",
    });
    expect(await said(["skill", "ls"])).toContain("Commits");
    expect(await said(["skill", "get", "commits"])).toBe("Say why.");
  });

  test("what does not work says what would, with the exit code of its kind", async () => {
    const cases: [string[], number, string][] = [
      [["item", "show", "DEMO-999"], 5, "not found"],
      [["item", "assign", "DEMO-1", "nobody-there"], 2, "there are"],
      [["item", "create"], 2, "-t"],
      [["item", "list", "-s", "open"], 2, "todo"],
      [["run", "show", "x"], 2, "no number"],
      [["login", "http://windshift.example.test"], 2, "WS_ALLOW_INSECURE"],
    ];
    for (const [args, exitCode, words] of cases) {
      const result = await ws(args);
      expect({ args, exitCode: result.exitCode }).toEqual({ args, exitCode });
      expect(result.stderr.toLowerCase()).toContain(words.toLowerCase());
    }
  });

  test("CL-02 a person's token does not leave for another machine without https", async () => {
    const env = { WS_API_URL: "http://windshift.example.test/api", WS_TOKEN: token };
    const result = await ws(["whoami"], { env });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("is not https");
    expect(result.stderr).not.toContain(token);
  });

  test("PI-08 no file of a folder says where the token goes", async () => {
    const folder = tempDir();
    for (const name of ["ws.json", ".env", "ws.toml", ".windshift/ws.json"])
      await Bun.write(
        join(folder.path, name),
        `{"api_url":"http://127.0.0.1:1/api","token":"wst_x"}\nWS_API_URL=http://127.0.0.1:1/api\n`,
      );
    expect((await ws(["whoami"], { cwd: folder.path })).stdout).toContain(server.url);
    folder.remove();
  });

  test("init writes a context file and renews only its own part", async () => {
    const file = join(home.path, "AGENTS.md");
    writeFileSync(file, "# Ours\n\nKeep this.\n");
    await said(["init"]);
    await said(["init", "-w", "DEMO"]);
    const text = readFileSync(file, "utf8");
    expect(text).toStartWith("# Ours\n\nKeep this.\n");
    expect(text.match(/windshift: begin/g)).toHaveLength(1);
    expect(text).toContain("ws item list -w DEMO");
  });

  test("completion for bash offers the words of each command", async () => {
    const script = join(home.path, "complete.bash");
    writeFileSync(script, await said(["completion", "bash"]));
    const asked = `source ${script}; COMP_WORDS=(ws run w); COMP_CWORD=2; _ws; echo "\${COMPREPLY[@]}"; COMP_WORDS=(ws item list --st); COMP_CWORD=3; _ws; echo "\${COMPREPLY[@]}"; COMP_WORDS=(ws login --wi); COMP_CWORD=2; _ws; echo "\${COMPREPLY[@]}"`;
    const result = await exec(["bash", "-c", asked], { env: environment(), timeoutMs: 10_000 });
    expect(result.stdout).toBe("watch\n--status\n--with-token\n");
    expect(await said(["completion", "fish"])).toContain("__fish_seen_subcommand_from run");
  });
});

describe("ws and runs", () => {
  test("follows a run to its end, takes its words as they come, and says by its exit code how it went", async () => {
    const run = await startLiveRun(server, ada, workspace);
    const watching = ws(["run", "watch", String(run.runId)]);
    await emit(run, 1, { type: "content", data: { text: "Looking at " } });
    await emit(run, 2, { type: "content", data: { text: "the code\n" } });
    await emit(run, 3, {
      type: "tool_start",
      data: { id: "1", tool: "bash", args: { command: "make test" } },
    });
    await emit(run, 4, {
      type: "tool_done",
      data: { id: "1", tool: "bash", output: "1 failed\n", exit_code: 2, duration_ms: 5 },
    });
    expect(await said(["run", "list", run.item.key])).toContain("running");
    expect(await said(["run", "cancel", String(run.runId)])).toContain("being canceled");
    const canceled = { status: "canceled", reason: "canceled", ended_at_ms: Date.now() } as const;
    await server.database.kysely.updateTable("runs").set(canceled).where("id", "=", run.runId).execute();
    const { stdout, exitCode } = await watching;
    expect(stdout).toContain("Looking at the code\n-> bash make test\n   1 failed\n   exit code 2\n");
    expect({ exitCode, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({
      exitCode: 21,
      last: "== canceled: canceled",
    });
    expect(await said(["run", "logs", String(run.runId)])).toContain("-> bash make test");
    const lines = (await said(["run", "logs", String(run.runId), "-o", "json"])).split("\n");
    expect(lines.map((line) => JSON.parse(line).type)).toContain("tool_done");
    expect(await said(["run", "show", String(run.runId)])).toContain(`of ${run.item.key}: canceled`);
  });

  test("PI-05 inside a run only its own item answers, and only what stands in the environment counts", async () => {
    const run = await startLiveRun(server, ada, workspace);
    const other = await said(["item", "create", "-t", "Not yours"]);
    const env = {
      WS_API_URL: `${server.url}/api`,
      WS_TOKEN: run.token,
      WS_WORKSPACE_KEY: "DEMO",
      WINDSHIFT_ITEM_KEY: run.item.key,
      AGENT_RUN_ID: String(run.runId),
    };
    expect((await ws(["item", "show"], { env })).stdout).toContain(run.item.key);
    expect((await ws(["comment", "add", "-m", "Half way."], { env })).exitCode).toBe(0);
    for (const args of [
      ["item", "show", other],
      ["comment", "add", other, "-m", "x"],
      ["item", "edit", other, "-t", "Mine"],
    ])
      expect({ args, exitCode: (await ws(args, { env })).exitCode }).toEqual({ args, exitCode: 5 });
    expect((await ws(["item", "list"], { env })).exitCode).not.toBe(0);
    // Of the pages those that its item links, as its prompt tells it.
    const linked = await said(["page", "create", "-t", "Linked", "-d", "Read me."]);
    const unlinked = await said(["page", "create", "-t", "Elsewhere", "-d", "Not for you."]);
    await ada.send("PUT", `/api/v1/items/${run.item.key}/pages/${linked}`, {});
    expect((await ws(["page", "show", linked], { env })).stdout).toBe("Linked\n\nRead me.\n");
    const listed = (await ws(["page", "list"], { env })).stdout;
    expect([listed.includes("Linked"), listed.includes("Elsewhere")]).toEqual([true, false]);
    expect((await ws(["page", "show", unlinked], { env })).exitCode).toBe(5);
    // The sign-in of the person whose machine it is does not count in there.
    const { WS_TOKEN: _, ...without } = env;
    expect((await ws(["item", "show"], { env: without })).exitCode).toBe(2);
  });
});

describe("MCP", () => {
  const tools = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name);
  const call = async (client: Client, name: string, args: Record<string, unknown>) => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    const [first] = content as { text: string }[];
    return { isError, text: first?.text ?? "" };
  };

  test("over stdio: an editor reads and writes with the right of the sign-in", async () => {
    const client = new Client({ name: "test", version: "1" });
    const transport = new StdioClientTransport({
      command: WS[0] ?? "",
      args: [...WS.slice(1), "mcp"],
      env: environment(),
    });
    await client.connect(transport);
    expect(await tools(client)).toEqual(expect.arrayContaining(["get_item", "create_item", "start_run"]));
    const made = await call(client, "create_item", { workspace: "DEMO", title: "By an editor" });
    const { key } = JSON.parse(made.text);
    expect((await call(client, "get_item", { key })).text).toContain("By an editor");
    expect(await call(client, "get_item", { key: "DEMO-99999" })).toMatchObject({ isError: true });
    // Who is named is found, and a list goes on where it ended.
    const { members } = JSON.parse((await call(client, "list_members", { workspace: "DEMO" })).text);
    const { user_id } = members.find(({ name }: { name: string }) => name === workspace.agent.name);
    expect(user_id).toBe(workspace.agent.id);
    await call(client, "create_item", { workspace: "DEMO", title: "The one after" });
    const part = async (more: object) =>
      JSON.parse((await call(client, "list_items", { workspace: "DEMO", limit: 1, ...more })).text);
    const first = await part({});
    expect(first.items[0].title).toBe("The one after");
    expect((await part({ before: first.next_before })).items[0].key).toBe(key);
    await client.close();
  });

  test("over HTTP: the same tools with an API token, and nothing without one", async () => {
    const url = new URL(`${server.url}/mcp`);
    const client = new Client({ name: "test", version: "1" });
    const headers = { authorization: `Bearer ${token}` };
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    expect(await tools(client)).toContain("list_items");
    expect(JSON.parse((await call(client, "whoami", {})).text).email).toBe("ada@example.test");
    await client.close();
    for (const authorization of ["", "Bearer wst_wrong", `Bearer ${"x".repeat(40)}`]) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
      const answer = await fetch(url, {
        method: "POST",
        body,
        headers: { authorization, "content-type": "application/json" },
      });
      expect(answer.status).toBe(401);
    }
  });

  test("has no stream to open and no session to end", async () => {
    for (const method of ["GET", "DELETE"])
      expect((await fetch(`${server.url}/mcp`, { method })).status).toBe(405);
  });

  test("a token that may only read changes nothing", async () => {
    const made = { name: "reader", scopes: ["read"] };
    const { token: reader } = await create<ApiTokenWithSecret>(ada, "/api/v1/tokens", made);
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${reader}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit }));
    expect(await call(client, "create_item", { workspace: "DEMO", title: "No" })).toMatchObject({
      isError: true,
    });
    await client.close();
  });
});

test("ws login asks the browser: the token comes once somebody approved the code", async () => {
  const other = tempDir();
  const asking = Bun.spawn([...WS, "login", server.url], {
    env: { ...environment(), HOME: other.path },
    stdout: "pipe",
    stderr: "pipe",
  });
  let prompt = "";
  const reading = (async () => {
    for await (const chunk of asking.stderr) prompt += Buffer.from(chunk).toString();
  })();
  const code = await eventually("the code is shown", () => /code ([A-Z-]{9})/.exec(prompt)?.[1], 20_000);
  expect((await ada.post(`/api/v1/cli-logins/${code}/approve`, {})).status).toBeLessThan(300);
  expect(await asking.exited).toBe(0);
  await reading;
  const file = join(other.path, ".config/windshift/ws.json");
  const made: string = JSON.parse(readFileSync(file, "utf8")).token;
  expect((await server.withToken(made).get("/api/v1/me")).status).toBe(200);
  // Signing out ends the token as well.
  const out = await ws(["logout"], { env: { HOME: other.path } });
  expect([out.exitCode, out.stdout, existsSync(file)]).toEqual([0, "signed out\n", false]);
  expect((await server.withToken(made).get("/api/v1/me")).status).toBe(401);
  other.remove();
});

async function emit(
  run: { runId: number; attempt: number },
  seq: number,
  event: Pick<RunEvent, "type" | "data">,
): Promise<void> {
  const at = new Date().toISOString();
  const reply = await appendEvents(server.database, run.runId, run.attempt, [
    RunEvent.parse({ ...event, at, seq }),
  ]);
  expect(reply.kind).toBe("accepted");
}

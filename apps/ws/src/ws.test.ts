import { afterAll, beforeEach, expect, test } from "bun:test";
import { exec } from "@windshift/base/exec.ts";
import type { Comment, CommentPage } from "@windshift/contract/api/comment.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { programCommand } from "@windshift/testing/program-command.ts";

const WS = programCommand("ws");
const WS_WORDS = WS.map((word) => `"${word}"`).join(" ");
const RUN_MS_MAX = 20_000;

interface Seen {
  method: string;
  path: string;
  authorization: string | null;
  body: string;
}
let seen: Seen[] = [];
let answer: (path: string) => Response = () => Response.json({});
const api = Bun.serve({
  port: 0,
  async fetch(request) {
    const path = request.url.slice(new URL(request.url).origin.length);
    const authorization = request.headers.get("authorization");
    seen.push({ method: request.method, path, authorization, body: await request.text() });
    return answer(path);
  },
});
afterAll(() => api.stop(true));
beforeEach(() => {
  seen = [];
});

function settings(): Record<string, string> {
  return { PATH: process.env.PATH ?? "", WS_API_URL: `${api.url.origin}/api`, WS_TOKEN: "wsrun_secret" };
}

function ws(args: string[], env: Record<string, string> = {}, stdin = "") {
  return exec([...WS, ...args], {
    env: { ...settings(), ...env },
    stdin,
    timeoutMs: RUN_MS_MAX,
  });
}

const PERSON = { id: "u1", name: "Ada", kind: "person" as const };
const WHEN = "2026-01-02T03:04:05Z";
const ITEM = WorkItemDetail.parse({
  id: 1,
  key: "DEMO-1",
  workspace: "DEMO",
  title: "Fix the greeting",
  status: "in_progress",
  assignee: { id: "u2", name: "Agent", kind: "agent" },
  creator: PERSON,
  created_at: WHEN,
  updated_at: WHEN,
  description: "It says helo.",
  priority: "none",
  labels: [],
  parent: null,
  children_count: 0,
  children_done_count: 0,
  active_run: null,
  children: [],
  linked_pages: [],
  following: false,
  links: [],
  comments_count: 2,
} satisfies WorkItemDetail);
const COMMENT: Comment = {
  id: 7,
  author: PERSON,
  run_id: null,
  body: "Please soon.",
  mentions: [],
  created_at: WHEN,
  edited_at: null,
};

/** An item with two comments on two pages. */
function itemApi(path: string): Response {
  if (path.endsWith("/DEMO-1")) return Response.json(ITEM);
  const second: CommentPage = { comments: [{ ...COMMENT, id: 8, body: "Thanks." }], next_after: null };
  const first: CommentPage = { comments: [COMMENT], next_after: 7 };
  return Response.json(path.endsWith("?after=7") ? second : first);
}

test("item show prints head, description and comments of the run's own item", async () => {
  answer = itemApi;
  const result = await ws(["item", "show"], { WINDSHIFT_ITEM_KEY: "DEMO-1" });
  expect(result.stdout).toBe(
    `DEMO-1: Fix the greeting\nstatus: in_progress\nassignee: Agent\ncreator: Ada\n\nIt says helo.\n\n--- Ada, ${WHEN}\nPlease soon.\n\n--- Ada, ${WHEN}\nThanks.\n`,
  );
  expect(seen.map(({ method, path }) => [method, path])).toEqual([
    ["GET", "/api/v1/items/DEMO-1"],
    ["GET", "/api/v1/items/DEMO-1/comments"],
    ["GET", "/api/v1/items/DEMO-1/comments?after=7"],
  ]);
  expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill("Bearer wsrun_secret"));
});

test("run logs prints a transcript that left the database, and says when it was deleted", async () => {
  const event = (id: number, said: string) => ({
    id,
    attempt: 1,
    seq: id,
    at: WHEN,
    type: "content",
    data: { text: said },
  });
  let transcript = "archived";
  answer = (path) => {
    if (path.includes("/events?")) return Response.json({ events: [], next_after: 0, ended: true });
    if (!path.endsWith("/transcript.jsonl")) return Response.json({ id: 5, transcript });
    if (transcript === "archived")
      return new Response(`${JSON.stringify(event(1, "hello "))}\n${JSON.stringify(event(2, "there\n"))}\n`);
    return Response.json(
      { error: { code: "not_found", message: "the transcript of run 5 was deleted" } },
      { status: 404 },
    );
  };
  const shown = await ws(["run", "logs", "5"]);
  expect([shown.exitCode, shown.stdout]).toEqual([0, "hello there\n"]);
  transcript = "deleted";
  const gone = await ws(["run", "logs", "5"]);
  expect([gone.exitCode, gone.stderr]).toEqual([5, expect.stringContaining("was deleted")]);
});

test("run list goes from page to page, the newest first, and says where older runs are", async () => {
  const pages: Record<string, { runs: { id: number }[]; next_before: number | null }> = {
    "limit=3": { runs: [{ id: 9 }, { id: 8 }], next_before: 8 },
    "limit=1&before=8": { runs: [{ id: 7 }], next_before: 7 },
    "limit=50&before=7": { runs: [{ id: 6 }], next_before: null },
  };
  answer = (path) => Response.json(pages[path.split("?")[1] ?? ""] ?? {}, { status: 200 });
  const first = await ws(["run", "list", "DEMO-1", "-n", "3"]);
  expect(first.stdout.match(/^\d+/gm)).toEqual(["9", "8", "7"]);
  expect(first.stderr).toContain("--before 7");
  const rest = await ws(["run", "list", "DEMO-1", "--before", "7", "-o", "json"]);
  expect([JSON.parse(rest.stdout), rest.stderr]).toEqual([{ runs: [{ id: 6 }], next_before: null }, ""]);
  expect((await ws(["run", "list", "DEMO-1", "-n", "0"])).exitCode).toBe(2);
});

test("page list brings all pages, and item list says where the rest is", async () => {
  const steps: Record<string, object> = {
    "/api/v1/workspaces/DEMO/pages?limit=200": { pages: [{ id: 9 }, { id: 8 }], next_before: 8 },
    "/api/v1/workspaces/DEMO/pages?limit=200&before=8": { pages: [{ id: 7 }], next_before: null },
    "/api/v1/workspaces/DEMO/items?limit=1": { items: [{ key: "DEMO-2" }], next_before: "17.2" },
    "/api/v1/workspaces/DEMO/items?before=17.2&limit=1": { items: [{ key: "DEMO-1" }], next_before: null },
  };
  answer = (path) => Response.json(steps[path] ?? {});
  expect((await ws(["page", "list", "-w", "DEMO"])).stdout.match(/^\d+/gm)).toEqual(["9", "8", "7"]);
  const first = await ws(["item", "list", "-w", "DEMO", "-n", "1"]);
  expect([first.stdout.match(/^DEMO-\d/gm), first.stderr]).toEqual([
    ["DEMO-2"],
    expect.stringContaining("--before 17.2"),
  ]);
  const rest = await ws(["item", "list", "-w", "DEMO", "-n", "1", "--before", "17.2"]);
  expect([rest.stdout.match(/^DEMO-\d/gm), rest.stderr]).toEqual([["DEMO-1"], ""]);
});

test("page list inside a run refuses -q, which would find pages that nobody asked for", async () => {
  const env = { AGENT_RUN_ID: "7", WINDSHIFT_ITEM_KEY: "DEMO-1" };
  answer = () => Response.json({ pages: [{ id: 9 }] });
  expect((await ws(["page", "list"], env)).stdout).toMatch(/^9/m);
  expect(seen.splice(0).map(({ path }) => path)).toEqual(["/api/v1/items/DEMO-1/pages"]);
  const refused = await ws(["page", "list", "-q", "words"], env);
  expect([refused.exitCode, refused.stderr, seen]).toEqual([2, expect.stringContaining("without it"), []]);
});

test("login asks on while the server is away, and ends with what a server says that fails", async () => {
  const started = {
    ...{ verification_path: "/cli/A", user_code: "BCDF-GHJK", poll_secret: "s", interval_s: 0.01 },
    expires_at: new Date(Date.now() + 600_000).toISOString(),
  };
  const failed = { error: { code: "internal", message: "it broke" } };
  const answers = [
    () => Response.json(started, { status: 201 }),
    () => new Response("<html>", { status: 503 }),
    () => Response.json({ state: "pending" }),
    () => Response.json(failed, { status: 500 }),
  ];
  answer = () => answers.shift()?.() ?? Response.json({});
  const { exitCode, stderr } = await ws(["login", api.url.origin]);
  expect([exitCode, stderr.includes("it broke"), answers]).toEqual([70, true, []]);
});

test("a table is no wider than the terminal it stands on, colored unless NO_COLOR is set, and whole in a pipe", async () => {
  const run = {
    ...{ id: 7, item_key: "DEMO-12", status: "succeeded", reason: "completed", created_at: WHEN },
    agent: { name: "A reviewer with a long name" },
    pull_request: { state: "open" },
  };
  answer = () => Response.json({ runs: [run], next_before: null });
  const lines = async (columns: string, env: Record<string, string> = { NO_COLOR: "1" }) => {
    const command = `${WS_WORDS} run list DEMO-12`;
    const { stdout } = await exec(["script", "-qec", command, "/dev/null"], {
      env: { ...settings(), TERM: "xterm", COLUMNS: columns, ...env },
      timeoutMs: RUN_MS_MAX,
    });
    return stdout.replaceAll("\r", "").trimEnd().split("\n");
  };
  for (const columns of ["60", "80", "200"]) {
    const shown = await lines(columns);
    expect([columns, shown.length, shown.every((line) => line.length <= Number(columns))]).toEqual([
      columns,
      2,
      true,
    ]);
  }
  expect((await lines("60"))[0]).toStartWith("RUN  ITEM");
  expect((await lines("60", {}))[0]).toStartWith("\u001b[2mRUN  ITEM");
  expect((await ws(["run", "list", "DEMO-12"])).stdout).toContain(
    `A reviewer with a long name  ${WHEN}  open`,
  );
});

test("comment add takes the text from -m or from stdin", async () => {
  answer = () => Response.json({ id: 1 }, { status: 201 });
  expect((await ws(["comment", "add", "DEMO-2", "-m", "--help"])).stdout).toBe("commented on DEMO-2\n");
  expect(seen.splice(0).map(({ body }) => JSON.parse(body))).toEqual([{ body: "--help" }]);
  expect((await ws(["comment", "add", "too", "many", "words", "-h"])).stdout).toStartWith(
    "usage: ws comment add",
  );
  expect((await ws(["comment", "add", "DEMO-2", "-m", "done"])).stdout).toBe("commented on DEMO-2\n");
  expect((await ws(["comment", "add", "DEMO-2", "-"], {}, "two\nlines\n")).exitCode).toBe(0);
  expect(seen.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
    ["POST", "/api/v1/items/DEMO-2/comments", { body: "done" }],
    ["POST", "/api/v1/items/DEMO-2/comments", { body: "two\nlines" }],
  ]);
});

test("-o json prints the item with its comments", async () => {
  answer = itemApi;
  expect(JSON.parse((await ws(["item", "show", "DEMO-1", "-o", "json"])).stdout)).toMatchObject({
    ...ITEM,
    comments: [{ id: 7 }, { id: 8 }],
  });
});

for (const [code, status, exitCode] of [
  ["not_found", 404, 5],
  ["forbidden", 403, 4],
  ["rate_limited", 429, 75],
] as const)
  test(`an answer ${code} is exit code ${exitCode} with the API's words on stderr`, async () => {
    answer = () => Response.json({ error: { code, message: "in the API's words", type: "x" } }, { status });
    const result = await ws(["item", "show", "DEMO-1"]);
    expect(result).toMatchObject({ exitCode, stdout: "", stderr: "ws: in the API's words\n" });
  });

test("an answer that is no JSON is an error, not an empty item", async () => {
  answer = () => new Response("<html>welcome</html>");
  const result = await ws(["item", "show", "DEMO-1"]);
  expect(result.exitCode).toBe(69);
  expect(result.stderr).toContain("did not answer with JSON");
});

test("CL-02 a redirect is not followed, so the token stays with its address", async () => {
  const thief: string[] = [];
  using other = Bun.serve({
    port: 0,
    fetch(request) {
      thief.push(request.headers.get("authorization") ?? "none");
      return Response.json({});
    },
  });
  answer = () => Response.redirect(`${other.url.origin}/api/v1/items/DEMO-1`, 302);
  const result = await ws(["item", "show", "DEMO-1"]);
  expect(result.exitCode).toBe(69);
  expect(result.stderr).toContain("redirects elsewhere");
  expect(thief).toEqual([]);
});

test("wrong usage and missing settings are refused with exit code 2 before any call", async () => {
  const cases: [string[], Record<string, string>, string][] = [
    [["item", "show"], {}, "WINDSHIFT_ITEM_KEY"],
    [["item", "show", "../../etc"], {}, "no key such as DEMO-12"],
    [["item", "drop", "DEMO-1"], {}, "item takes one of list, show, create, edit, assign, not drop"],
    [["itm"], {}, "unknown command itm"],
    [["comment", "add", "DEMO-1", "-m"], {}, "-m needs a value"],
    [["comment", "add", "DEMO-1"], {}, "the comment is empty"],
    [["item", "show", "DEMO-1"], { WS_API_URL: "http://x.test", WS_TOKEN: "" }, "ends in /api"],
    [["item", "show", "DEMO-1"], { WS_API_URL: "", WS_TOKEN: "" }, "WS_TOKEN"],
  ];
  for (const [args, env, words] of cases) {
    const result = await ws(args, env);
    expect({ args, exitCode: result.exitCode }).toEqual({ args, exitCode: 2 });
    expect(result.stderr).toContain(words);
  }
  expect(seen).toEqual([]);
});

test("an answer of over a megabyte is printed, and a reader that has had enough ends the command without a word", async () => {
  const bodies = Array.from({ length: 2_000 }, (_, id) => ({ ...COMMENT, id, body: "long ".repeat(100) }));
  answer = () => Response.json({ comments: bodies, next_after: null } satisfies CommentPage);
  const command = `${WS_WORDS} comment list DEMO-1 | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await exec(["bash", "-c", command], { env: settings(), timeoutMs: RUN_MS_MAX });
  expect({ code: stdout.trim().split("\n").at(-1), stderr }).toEqual({ code: "141", stderr: "" });
});

test("Ctrl and C ends a command that waits for an answer, and is no success", async () => {
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<Response>();
  using slow = Bun.serve({
    port: 0,
    fetch: () => {
      asked.resolve();
      return never.promise;
    },
  });
  const program = Bun.spawn([...WS, "run", "watch", "7"], {
    env: { ...settings(), WS_API_URL: `${slow.url.origin}/api` },
    stdout: "pipe",
    stderr: "pipe",
  });
  await asked.promise;
  program.kill("SIGINT");
  expect(await program.exited).toBe(130);
  expect(await new Response(program.stderr).text()).toBe("");
  never.resolve(new Response());
});

test("help and version need no settings", async () => {
  const bare = { WS_API_URL: "", WS_TOKEN: "" };
  expect((await ws(["help"], bare)).stdout).toContain("ws comment add");
  expect((await ws(["--version"], bare)).stdout).toMatch(/^ws \d/);
});

test("CL-01 control characters of strangers reach a pipe as data but never a terminal", async () => {
  const evil = "a\u001b[2Jb\u001b]52;c;aGk=\u0007c\u009b31md\re\u0000f";
  answer = () => Response.json({ key: "DEMO-1", title: evil });
  expect((await ws(["item", "show", "DEMO-1"])).stdout).toBe(`DEMO-1: ${evil}\n`);
  // `script` gives the program a terminal of its own.
  const command = `${WS_WORDS} item show DEMO-1`;
  const onTerminal = await exec(["script", "-qec", command, "/dev/null"], {
    env: { ...settings(), TERM: "xterm" },
    timeoutMs: RUN_MS_MAX,
  });
  expect(onTerminal.stdout.replaceAll("\r\n", "\n")).not.toMatch(/[^\P{Cc}\t\n]/u);
  expect(onTerminal.stdout).toContain("DEMO-1: ab");
});

test("CL-01 JSON output holds no raw control character", async () => {
  answer = () => Response.json({ title: "a\u001bb\u009bc\u007fd" });
  const { stdout } = await ws(["item", "show", "DEMO-1", "-o", "json"]);
  expect(stdout.trimEnd()).not.toMatch(/[^\P{Cc}\n]/u);
  expect(JSON.parse(stdout)).toMatchObject({ title: "a\u001bb\u009bc\u007fd" });
});

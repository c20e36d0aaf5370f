import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { LineSplitter } from "@windshift/base/jsonl.ts";
import { type AgentInput, AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";

const MAIN = join(import.meta.dir, "../main.ts");

/** A git repository with one commit, and a home folder beside it. */
export class TestCheckout implements Disposable {
  private readonly root = tempDir();
  readonly dir = join(this.root.path, "checkout");
  readonly home = join(this.root.path, "home");
  static async create(): Promise<TestCheckout> {
    const checkout = new TestCheckout();
    mkdirSync(checkout.home);
    pattern ??= makePattern();
    const { folders, files } = await pattern;
    for (const path of folders) mkdirSync(checkout.path(path), { recursive: true });
    for (const { path, bytes } of files) writeFileSync(checkout.path(path), bytes);
    return checkout;
  }
  git(...args: string[]): Promise<string> {
    return gitOut(args, this.dir);
  }
  path(name: string): string {
    return join(this.dir, name);
  }
  [Symbol.dispose](): void {
    this.root.remove();
  }
}

/** What such a repository is made of. */
interface Pattern {
  folders: string[];
  files: { path: string; bytes: Buffer }[];
}

/** Git makes it once, as starting git costs more than most tests. */
let pattern: Promise<Pattern> | undefined;

async function makePattern(): Promise<Pattern> {
  using root = tempDir();
  await createRepository(root.path, { files: { "README.md": "a project\n" } });
  const entries = readdirSync(root.path, { recursive: true, withFileTypes: true }).map((entry) => ({
    isFolder: entry.isDirectory(),
    path: relative(root.path, join(entry.parentPath, entry.name)),
  }));
  const files = entries.filter(({ isFolder, path }) => !isFolder && !path.endsWith(".sample"));
  return {
    folders: ["", ...entries.filter(({ isFolder }) => isFolder).map(({ path }) => path)],
    files: files.map(({ path }) => ({ path, bytes: readFileSync(join(root.path, path)) })),
  };
}

type EventOf<T extends AgentOutput["type"]> = Extract<AgentOutput, { type: T }>;

/** The agent as a real process. Every line it prints is held to the contract. */
export class AgentProcess implements AsyncDisposable {
  readonly events: AgentOutput[] = [];
  private readonly child;
  private readonly read: Promise<void>;

  constructor(baseUrl: string, checkout: TestCheckout, env: Record<string, string> = {}) {
    this.child = Bun.spawn([process.execPath, MAIN], {
      cwd: checkout.dir,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: checkout.home,
        TMPDIR: checkout.home,
        LLM_BASE_URL: baseUrl,
        LLM_MODEL: "test-model",
        LLM_API_KEY: "wsrun_test",
        WINDSHIFT_WORKSPACE: checkout.dir,
        AGENT_RUN_ID: "7",
        WINDSHIFT_ITEM_KEY: "DEMO-1",
        ...env,
      },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.read = this.readEvents();
  }

  send(...inputs: AgentInput[]): void {
    for (const input of inputs) this.child.stdin.write(`${JSON.stringify(input)}\n`);
    this.child.stdin.flush();
  }

  terminate(): void {
    this.child.kill("SIGTERM");
  }

  closeInput(): void {
    this.child.stdin.end();
  }

  /** Sends the prompt and waits for the end. */
  async work(message = "do the task"): Promise<number> {
    this.send({ type: "prompt", message });
    return this.ended();
  }

  /** The exit code, once every line is read. */
  async ended(): Promise<number> {
    await this.read;
    return this.child.exited;
  }

  stderr(): Promise<string> {
    return new Response(this.child.stderr).text();
  }

  list<T extends AgentOutput["type"]>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** The only event of its type. */
  only<T extends AgentOutput["type"]>(type: T): EventOf<T> {
    const [event, ...others] = this.list(type);
    if (event === undefined || others.length > 0)
      throw new Error(`${others.length + (event ? 1 : 0)} ${type} events in ${JSON.stringify(this.events)}`);
    return event;
  }

  /** Resolves with the first event of this type, seen already or yet to come. */
  async next<T extends AgentOutput["type"]>(type: T): Promise<EventOf<T>> {
    await eventually(`a ${type} event`, () => this.list(type).length > 0);
    const [event] = this.list(type);
    if (event === undefined) throw new Error("unreachable");
    return event;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private async readEvents(): Promise<void> {
    const splitter = new LineSplitter(1_048_576);
    for await (const chunk of this.child.stdout) {
      for (const line of splitter.push(chunk)) {
        if (line.kind === "too_long") throw new Error(`a line of ${line.bytes} bytes`);
        this.events.push(AgentOutput.parse(JSON.parse(line.text)));
      }
    }
  }
}

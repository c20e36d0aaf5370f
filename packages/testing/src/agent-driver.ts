import { type Line, LineSplitter } from "@windshift/base/jsonl.ts";
import { type AgentInput, AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { JSONL_LINE_BYTES_MAX } from "@windshift/contract/limits.ts";
import { killMarked, markedProcesses } from "@windshift/execution/process-tree.ts";
import { eventually } from "./eventually.ts";

type EventOf<T extends AgentOutput["type"]> = Extract<AgentOutput, { type: T }>;

/** Marks the environment of an agent's processes, which they all inherit. */
const MARK = "WINDSHIFT_CONTRACT_MARK";

/** An agent as a real process, driven over its stdin and stdout like the runner does. */
export class AgentDriver implements AsyncDisposable {
  /** Its lines so far that are of the contract. */
  readonly events: AgentOutput[] = [];
  /** Its lines so far that are not; none may be there at the end. */
  readonly badLines: string[] = [];
  readonly stderr: Promise<string>;
  private readonly child;
  private readonly mark = crypto.randomUUID();
  private readonly read: Promise<void>;

  constructor(argv: readonly string[], cwd: string, env: Record<string, string>) {
    this.child = Bun.spawn([...argv], {
      cwd,
      env: { ...env, [MARK]: this.mark },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.stderr = new Response(this.child.stderr).text();
    this.read = this.readEvents();
  }

  send(...inputs: AgentInput[]): void {
    for (const input of inputs) this.sendLine(JSON.stringify(input));
  }

  /** Sends any text as a line. */
  sendLine(line: string): void {
    this.child.stdin.write(`${line}\n`);
    this.child.stdin.flush();
  }

  closeInput(): void {
    this.child.stdin.end();
  }

  /** The exit code, once every line is read. */
  async ended(): Promise<number> {
    const [code] = await Promise.all([this.child.exited, this.read]);
    return code;
  }

  list<T extends AgentOutput["type"]>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** Waits for an event of this type, seen already or yet to come. */
  next<T extends AgentOutput["type"]>(type: T): Promise<EventOf<T>> {
    return eventually(`a ${type} line`, () => this.list(type)[0]);
  }

  /** Ids of its processes that live, at whatever depth. */
  processes(): number[] {
    return markedProcesses(MARK)
      .filter(({ value }) => value === this.mark)
      .map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killMarked(MARK, this.mark);
    await this.child.exited;
  }

  private async readEvents(): Promise<void> {
    const splitter = new LineSplitter(JSONL_LINE_BYTES_MAX);
    for await (const chunk of this.child.stdout) for (const line of splitter.push(chunk)) this.take(line);
    for (const line of splitter.end()) this.take(line);
  }

  private take(line: Line): void {
    if (line.kind === "too_long") {
      this.badLines.push(`${line.bytes} bytes: ${line.head}`);
      return;
    }
    try {
      this.events.push(AgentOutput.parse(JSON.parse(line.text)));
    } catch {
      this.badLines.push(line.text);
    }
  }
}

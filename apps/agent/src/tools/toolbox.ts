import { errorText } from "@windshift/base/error-text.ts";
import type { Emit } from "../event-writer.ts";
import type { ModelReply, ToolCall } from "../model/model-reply.ts";
import { PictureBudget } from "./picture-budget.ts";
import { failed, parseArgs, type Tool, type ToolContext, type ToolResult } from "./tool.ts";
import { bashTool } from "./tool-bash.ts";
import { editFileTool } from "./tool-edit-file.ts";
import { type Finish, finishTool } from "./tool-finish.ts";
import { grepTool } from "./tool-grep.ts";
import { listFilesTool } from "./tool-list-files.ts";
import { planTool } from "./tool-plan.ts";
import { readFileTool } from "./tool-read-file.ts";
import { writeFileTool } from "./tool-write-file.ts";

/** No result is longer, whatever the tool, bytes: the 24,000 that are shown of an output, and a few lines about it. */
const RESULT_BYTES_MAX = 26_000;

/** The tools of one run. */
export class Toolbox {
  private readonly tools: readonly Tool[];
  private readonly pictures = new PictureBudget();
  private finish: Finish | undefined;
  constructor(
    private readonly context: Omit<ToolContext, "progress" | "pictures">,
    private readonly emit: Emit,
  ) {
    const finish = finishTool((value) => {
      this.finish = value;
    });
    const plan = planTool((text) => emit({ type: "message", role: "plan", text }));
    this.tools = [bashTool, readFileTool, writeFileTool, editFileTool, grepTool, listFilesTool, plan, finish];
  }

  /** The same bytes in every call. */
  definitions(): object[] {
    return this.tools.map((tool) => tool.definition);
  }

  /** To be called before the calls of a reply. */
  beginTurn(): void {
    this.pictures.beginTurn();
  }

  /** Runs one call. Never rejects: whatever goes wrong is a text the model can act on. */
  async run(call: ToolCall, finishReason: ModelReply["finishReason"]): Promise<ToolResult> {
    const startedMs = performance.now();
    const args = parseArgs(call.argsText);
    this.emit({
      type: "tool_start",
      id: call.id,
      tool: call.name,
      args: typeof args === "string" ? call.argsText : args,
    });
    const result: ToolResult =
      typeof args === "string"
        ? failed(
            `${args}${finishReason === "length" ? "; your reply was cut off at the length limit, so make the call smaller" : ""}`,
          )
        : await this.dispatch(call, args);
    this.emit({
      type: "tool_done",
      id: call.id,
      tool: call.name,
      output: result.output,
      ...(result.exitCode === undefined ? {} : { exit_code: result.exitCode }),
      ...(result.truncated ? { truncated: true } : {}),
      duration_ms: Math.round(performance.now() - startedMs),
    });
    return result;
  }

  /** What the model said with `finish`, once; forgotten when taken. */
  takeFinish(): Finish | undefined {
    const { finish } = this;
    this.finish = undefined;
    return finish;
  }

  private async dispatch(
    { id, name }: ToolCall,
    args: Exclude<ReturnType<typeof parseArgs>, string>,
  ): Promise<ToolResult> {
    const tool = this.tools.find((candidate) => candidate.name === name);
    if (tool === undefined)
      return failed(
        `there is no tool ${JSON.stringify(name)}; there are ${this.tools.map((t) => t.name).join(", ")}`,
      );
    let running = true;
    const progress = (text: string) => {
      if (running) this.emit({ type: "tool_output", id, text });
    };
    try {
      return this.bounded(await tool.call(args, { ...this.context, pictures: this.pictures, progress }));
    } catch (error) {
      return failed(`${name} failed: ${errorText(error)}`);
    } finally {
      running = false;
    }
  }

  /** Tools cut their own results where they know best; this is for what they did not think of. */
  private bounded(result: ToolResult): ToolResult {
    if (Buffer.byteLength(result.output) <= RESULT_BYTES_MAX) return result;
    const { text, fullPath } = this.context.outputs.cut(result.output);
    return { ...result, output: text, truncated: true, fullPath: result.fullPath ?? fullPath };
  }
}

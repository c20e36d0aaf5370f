import { rmSync } from "node:fs";
import { commandEnv } from "../git/git-environment.ts";
import { OutputStore } from "../tools/output-store.ts";
import { PictureBudget } from "../tools/picture-budget.ts";
import type { Tool, ToolResult } from "../tools/tool.ts";
import { Workspace } from "../tools/workspace.ts";
import { TestCheckout } from "./agent-process.ts";

/** A checkout and what a tool may use, to call tools one by one. */
export class ToolRig implements Disposable {
  readonly outputs = new OutputStore();
  readonly abort = new AbortController();
  /** What the tools showed while they ran. */
  readonly live: string[] = [];
  /** Whether the model sees pictures. */
  images = false;
  readonly pictures = new PictureBudget();
  /** Added to the environment of commands. */
  env: Record<string, string> = {};
  private readonly workspace: Workspace;
  private constructor(readonly checkout: TestCheckout) {
    this.workspace = Workspace.open(checkout.dir, this.outputs.dirs);
  }

  static async create(): Promise<ToolRig> {
    return new ToolRig(await TestCheckout.create());
  }

  call(tool: Tool, args: object): Promise<ToolResult> {
    const { workspace, outputs, images, pictures } = this;
    return tool.call(JSON.parse(JSON.stringify(args)), {
      workspace,
      outputs,
      images,
      pictures,
      signal: this.abort.signal,
      env: () => commandEnv({ PATH: process.env.PATH, HOME: this.checkout.home, ...this.env }),
      progress: (text) => this.live.push(text),
    });
  }

  [Symbol.dispose](): void {
    for (const dir of this.outputs.dirs()) rmSync(dir, { recursive: true, force: true });
    this.checkout[Symbol.dispose]();
  }
}

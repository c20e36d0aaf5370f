import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DemoOptions } from "./options.ts";
import { say, yellow } from "./terminal.ts";

export interface DemoModel {
  baseUrl: string;
  model: string;
  apiKey: string | null;
  /** The scripted model's process; undefined for a real model. */
  pid: number | undefined;
  stop(): Promise<void>;
}

/** The person's own model, or the scripted one in a process of its own, which says plainly what it is. */
export async function startDemoModel(
  options: DemoOptions,
  scriptFile: string,
  logFile: string,
): Promise<DemoModel> {
  if (options.model !== undefined) {
    say(`Model: ${options.model.model} at ${options.model.baseUrl}`);
    return { ...options.model, pid: undefined, stop: async () => {} };
  }
  say(
    yellow(
      "Model: SCRIPTED. No model is configured, so its replies are played from a file (@copilotkit/aimock).",
    ),
  );
  say(
    yellow("       DEMO_LLM_BASE_URL, DEMO_LLM_MODEL and DEMO_LLM_API_KEY run the same job on a real one."),
  );
  const apiKey = `demo-${randomBytes(16).toString("hex")}`;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "model-process.ts"), scriptFile], {
    env: { ...process.env, DEMO_MODEL_KEY: apiKey },
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(logFile),
    detached: true,
  });
  child.unref();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  if (value === undefined) throw new Error("the scripted model did not start");
  return {
    baseUrl: new TextDecoder().decode(value).trim(),
    model: "scripted-model",
    apiKey,
    pid: child.pid,
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

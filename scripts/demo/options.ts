import { z } from "zod";

/** What the person asked for. */
export interface DemoOptions {
  /** Leave the server up at the end. */
  keep: boolean;
  /** A real model; undefined plays the scripted one. */
  model: { baseUrl: string; model: string; apiKey: string | null } | undefined;
  /** Agents may run without a container although the model is a real one. */
  allowUnsandboxed: boolean;
}

export type OptionsResult = { kind: "ok"; options: DemoOptions } | { kind: "problems"; problems: string[] };

/** Reads arguments and environment; all problems at once. */
export function readDemoOptions(
  args: readonly string[],
  env: Record<string, string | undefined>,
): OptionsResult {
  const problems = args
    .filter((arg) => arg !== "--keep")
    .map((arg) => `there is no option ${arg}; the only one is --keep: npm run demo -- --keep`);
  const model = readModel(env, problems);
  if (problems.length > 0) return { kind: "problems", problems };
  const allowUnsandboxed = env.WSRUNNER_ALLOW_UNSANDBOXED === "1";
  return { kind: "ok", options: { keep: args.includes("--keep"), model, allowUnsandboxed } };
}

function readModel(env: Record<string, string | undefined>, problems: string[]): DemoOptions["model"] {
  const { DEMO_LLM_BASE_URL: baseUrl, DEMO_LLM_MODEL: model, DEMO_LLM_API_KEY: apiKey } = env;
  if (!baseUrl && !model && !apiKey) return undefined;
  if (!z.url({ protocol: /^https?$/ }).safeParse(baseUrl).success) {
    problems.push(
      "DEMO_LLM_BASE_URL: write the root of an OpenAI-compatible API, such as https://api.openai.com",
    );
  }
  if (!model) problems.push("DEMO_LLM_MODEL: write the id of a model, such as gpt-5.1-mini");
  return { baseUrl: baseUrl ?? "", model: model ?? "", apiKey: apiKey || null };
}

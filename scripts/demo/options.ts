import { z } from "zod";

/** What the person asked for. */
export interface DemoOptions {
  /** Leave the server up at the end. */
  keep: boolean;
  /** The repository is on an emulated GitHub; undefined for one on the server itself. */
  forge: "github" | undefined;
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
  const { keep, forge, problems } = readArguments(args);
  const model = readModel(env, problems);
  if (problems.length > 0) return { kind: "problems", problems };
  const allowUnsandboxed = env.WSRUNNER_ALLOW_UNSANDBOXED === "1";
  return { kind: "ok", options: { keep, forge, model, allowUnsandboxed } };
}

function readArguments(
  args: readonly string[],
): Pick<DemoOptions, "keep" | "forge"> & { problems: string[] } {
  const problems: string[] = [];
  let [keep, forge]: [boolean, DemoOptions["forge"]] = [false, undefined];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [name, value = name === "--forge" ? rest.shift() : undefined] = arg.split("=", 2);
    if (name === "--forge" && value === "github") forge = value;
    else if (name === "--forge") problems.push(`--forge ${value ?? ""}: the only forge here is github`);
    else if (arg === "--keep") keep = true;
    else
      problems.push(`there is no option ${arg}; there are --keep and --forge github: npm run demo -- --keep`);
  }
  return { keep, forge, problems };
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

import { resolve } from "node:path";
import { z } from "zod";

/** GitHub's published description of the operations that we use: scripts/github-openapi-subset.ts makes it. */
const SUBSET = resolve(import.meta.dir, "../../../forges/testdata/github-openapi-subset.json");

const JsonSchema = z.record(z.string(), z.unknown());
const Operation = z.object({
  method: z.string(),
  path: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() })),
  body: JsonSchema.nullable(),
  bodyRequired: z.boolean(),
  replies: z.record(z.string(), JsonSchema.nullable()),
});
const Subset = z.object({
  operations: z.record(z.string(), Operation),
  schemas: z.record(z.string(), JsonSchema),
});

export interface Exchange {
  method: string;
  /** Below the root of the API. */
  path: string;
  query: URLSearchParams;
  /** Undefined when there was none. */
  body: unknown;
}

/** Compares exchanges with the description; each answer is a list of sentences, empty when all is as published. */
export async function loadGithubOpenapi(): Promise<{
  requestProblems(exchange: Exchange): string[];
  replyProblems(exchange: Exchange & { status: number; reply: unknown }): string[];
}> {
  const { operations, schemas } = Subset.parse(await Bun.file(SUBSET).json());
  const known = Object.entries(operations).map(([id, operation]) => ({
    id,
    operation,
    pattern: patternOf(operation.path),
  }));
  const compiled = new Map<string, z.ZodType>();
  const compile = (key: string, schema: Record<string, unknown>) => {
    const found =
      compiled.get(key) ??
      z.fromJSONSchema({ ...schema, definitions: schemas }, { defaultTarget: "openapi-3.0" });
    compiled.set(key, found);
    return found;
  };
  const find = ({ method, path }: Exchange) =>
    known.find(({ operation, pattern }) => operation.method === method && pattern.test(path));
  return {
    requestProblems: (exchange) => {
      const found = find(exchange);
      if (found === undefined) return [`${exchange.method} ${exchange.path} is not an operation we know`];
      const { id, operation } = found;
      const names = operation.parameters.filter((p) => p.in === "query").map((p) => p.name);
      const strange = [...exchange.query.keys()].filter((key) => !names.includes(key));
      const problems = strange.map((key) => `${id} has no parameter ${key}`);
      if (operation.body === null || (exchange.body === undefined && !operation.bodyRequired))
        return problems;
      return [
        ...problems,
        ...problemsOf(`${id} request`, compile(`${id} request`, operation.body), exchange.body),
      ];
    },
    replyProblems: (exchange) => {
      const found = find(exchange);
      const schema = found?.operation.replies[String(exchange.status)];
      if (found === undefined || !schema) return [];
      const key = `${found.id} ${exchange.status}`;
      return problemsOf(key, compile(key, schema), exchange.reply);
    },
  };
}

/** `{basehead}` and refs hold slashes, others do not. */
function patternOf(path: string): RegExp {
  const pattern = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    /^(basehead|ref)$/.test(name) ? ".+" : "[^/]+",
  );
  return new RegExp(`^${pattern}$`);
}

function problemsOf(what: string, schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues
    .slice(0, 20)
    .map((issue) => `${what}: ${issue.path.join(".")}: ${issue.message}`);
}

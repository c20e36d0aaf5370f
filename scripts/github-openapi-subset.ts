import { resolve } from "node:path";

/**
 * Takes the operations that the GitHub client uses out of GitHub's published OpenAPI description, so that the tests can
 * hold every request and reply to it without installing 400 MB. Run by hand when an operation is added:
 * `npm pack @octokit/openapi`, unpack, `bun scripts/github-openapi-subset.ts package/generated/api.github.com.json`.
 */
const OPERATIONS = [
  "users/get-authenticated",
  "apps/get-authenticated",
  "apps/get-installation",
  "apps/create-installation-access-token",
  "apps/list-repos-accessible-to-installation",
  "repos/list-for-authenticated-user",
  "repos/get",
  "repos/compare-commits",
  "repos/get-collaborator-permission-level",
  "git/get-ref",
  "pulls/list",
  "pulls/create",
  "pulls/get",
  "pulls/list-reviews",
  "pulls/list-review-comments",
  "issues/list-comments",
  "issues/create-comment",
];
const OUTPUT = resolve(import.meta.dir, "../packages/forges/testdata/github-openapi-subset.json");
/** Words for people; the tests hold replies to the shapes alone. */
const PROSE = new Set([
  "description",
  "example",
  "examples",
  "title",
  "externalDocs",
  "deprecated",
  "summary",
]);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Node = { [key: string]: Json };

const source = process.argv[2];
if (source === undefined) throw new Error("usage: bun scripts/github-openapi-subset.ts api.github.com.json");
const document = (await Bun.file(source).json()) as Node;
const schemas: Node = {};
const operations: Node = {};
for (const [path, methods] of Object.entries(document.paths as Node)) {
  for (const [method, value] of Object.entries(methods as Node)) {
    const operation = value as Node;
    if (!OPERATIONS.includes(String(operation.operationId))) continue;
    operations[String(operation.operationId)] = shorten(method, path, operation);
  }
}
const missing = OPERATIONS.filter((id) => !(id in operations));
if (missing.length > 0) throw new Error(`not in the description: ${missing.join(", ")}`);
const info = document.info as Node;
await Bun.write(
  OUTPUT,
  `${JSON.stringify({ source: "@octokit/openapi", version: info.version, license: "MIT License, Copyright (c) 2020 Octokit contributors", operations, schemas })}\n`,
);

function shorten(method: string, path: string, operation: Node): Json {
  const parameters = ((operation.parameters ?? []) as Node[]).map((parameter) => {
    const { name, in: where, required, schema } = resolved(parameter);
    return plain({ name, in: where, required: required ?? false, schema } as Node);
  });
  const replies = Object.entries(operation.responses as Node).map(([status, reply]) => [
    status,
    contentSchema(resolved(reply as Node)),
  ]);
  const request = operation.requestBody === undefined ? {} : resolved(operation.requestBody as Node);
  return {
    method: method.toUpperCase(),
    path,
    parameters,
    body: contentSchema(request),
    bodyRequired: request.required ?? false,
    replies: Object.fromEntries(replies),
  };
}

function contentSchema(holder: Node): Json {
  const content = (holder.content ?? {}) as Node;
  const json = content["application/json"] as Node | undefined;
  return json?.schema === undefined ? null : plain(json.schema);
}

function resolved(node: Node): Node {
  if (typeof node.$ref !== "string") return node;
  let at: Json = document;
  for (const part of node.$ref.slice(2).split("/")) at = (at as Node)[part] ?? null;
  return at as Node;
}

/** Without prose; schemas that are referred to are gathered once, under a name. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.$ref === "string") {
    const name = value.$ref.split("/").at(-1) ?? "";
    if (!(name in schemas)) {
      schemas[name] = {};
      schemas[name] = plain(resolved(value));
    }
    return { $ref: `#/definitions/${name}` };
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, inner]) =>
          !PROSE.has(key) || (typeof inner === "object" && key !== "examples" && isSchema(inner)),
      )
      .map(([key, inner]) => [key, plain(inner)]),
  );
}

/** A property may be named like a word of prose: `title` of a pull request. */
function isSchema(inner: Json): boolean {
  return (
    typeof inner === "object" &&
    inner !== null &&
    !Array.isArray(inner) &&
    ("type" in inner || "$ref" in inner || "oneOf" in inner || "anyOf" in inner || "allOf" in inner)
  );
}

import type { ForgeFaults } from "./forge-faults.ts";
import type { ForgeModel, ModelComment, ModelPull, ModelRepository } from "./forge-model.ts";
import { askForPassword, gitRepositoryOf, serveGit, tokenOf } from "./git-http.ts";

export interface ForgeCall {
  method: string;
  /** Below the root of the API. */
  path: string;
  url: URL;
  token: string | undefined;
  body: Record<string, unknown>;
}

/** Serves git and one API on a free port of loopback. */
export function startForge(options: {
  model: ForgeModel;
  faults: ForgeFaults;
  apiPath: string;
  answer(call: ForgeCall): Promise<Response>;
}): { url: string; stop(): Promise<void> } {
  const { model, faults, apiPath } = options;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    // A connection that a fault breaks is not worth a line.
    error: () => new Response(null, { status: 500 }),
    fetch: async (request) => {
      const url = new URL(request.url);
      const path = gitRepositoryOf(url.pathname);
      if (path !== undefined) return gitAnswer(request, model, path);
      if (!url.pathname.startsWith(apiPath))
        return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
      const text = await request.text();
      const call: ForgeCall = {
        method: request.method,
        path: url.pathname.slice(apiPath.length),
        url,
        token: tokenOf(request),
        body: text === "" ? {} : JSON.parse(text),
      };
      return faults.around(request, call.path, () => options.answer(call));
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    stop: async () => {
      await server.stop(true);
      model.remove();
    },
  };
}

/** Scopes of GitLab and of Forgejo with which git pushes. */
const GIT_WRITE_SCOPES = new Set(["api", "write_repository", "write:repository"]);

function gitAnswer(request: Request, model: ForgeModel, path: string): Promise<Response> | Response {
  const token = model.tokens.get(tokenOf(request) ?? "");
  if (token?.state !== "good") return askForPassword();
  const repository = model.repositories.find((r) => `${r.owner}/${r.name}` === path);
  const access = repository?.access.get(token.login);
  if (access === undefined) return new Response("Not found\n", { status: 404 });
  const writes = `${request.url}`.includes("git-receive-pack");
  const mayWrite = access !== "read" && token.scopes.some((scope) => GIT_WRITE_SCOPES.has(scope));
  if (writes && !mayWrite)
    return new Response("You are not allowed to push code to this project.\n", { status: 403 });
  return serveGit(request, model.root, token.login);
}

/**
 * The pull request of a number.
 * @throws Error when there is none: a test asks for what it made
 */
export function findPull(repository: ModelRepository, number: number): ModelPull {
  const found = repository.pulls.find((pull) => pull.number === number);
  if (found === undefined) throw new Error(`the test forge has no pull request ${number}`);
  return found;
}

/** Puts a comment below a pull request as if `login` had written it at the forge just now. */
export function addComment(pull: ModelPull, login: string, body: string): ModelComment {
  return push(pull, { kind: "comment", reviewId: null, login, body });
}

/** A review with one comment in the diff. */
export function addReview(pull: ModelPull, login: string, body: string, inDiff: string): void {
  const review = push(pull, { kind: "review", reviewId: null, login, body });
  push(pull, { kind: "review_comment", reviewId: review.id, login, body: inDiff });
}

function push(pull: ModelPull, comment: Omit<ModelComment, "id" | "createdAtMs">): ModelComment {
  const made = { ...comment, id: pull.number * 1_000 + pull.comments.length + 1, createdAtMs: Date.now() };
  pull.comments.push(made);
  return made;
}

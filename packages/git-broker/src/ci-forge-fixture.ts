import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { gitEnv } from "@windshift/base/git.ts";
import { RemoteForge } from "./remote-forge-fixture.ts";

/**
 * A forge with a CI: whenever a branch of its repository moves, the workflow files at its tip are run as shell, with a
 * secret in their environment. For tests only.
 */
export interface CiForge {
  forge: RemoteForge;
  secret: string;
  /** A workflow that carries the secret out of the CI. */
  workflow: string;
  /** What workflows carried out so far. */
  leaked(): Promise<string>;
  /** Pushes that the CI has looked at. */
  looks(): Promise<number>;
}

export async function startCiForge(secret: string): Promise<CiForge> {
  const forge = await RemoteForge.start();
  const { dir, repository } = forge.broker;
  const [leak, log] = [join(dir, "leak"), join(dir, "ci.log")];
  // post-receive of a real git: what a forge calls, too, once a push has moved its branches.
  const hook = `#!/bin/sh
while read old new ref; do
  echo "$ref" >> '${log}'
  git ls-tree -r --name-only -z "$new" | tr '\\0' '\\n' | grep -iE '^\\.(github|gitea|forgejo)/workflows/|^\\.woodpecker|^\\.gitlab-ci\\.yml$' |
    while read file; do git cat-file blob "$new:$file" | CI_SECRET='${secret}' sh; done
done
`;
  await mkdir(join(repository, "hooks"), { recursive: true });
  await Bun.write(join(repository, "hooks/post-receive"), hook);
  await chmod(join(repository, "hooks/post-receive"), 0o755);
  forge.answer = (request) => takePush(request, repository);
  return {
    forge,
    secret,
    workflow: `printf %s "$CI_SECRET" >> '${leak}'\n`,
    leaked: () => textOf(leak),
    looks: async () => (await textOf(log)).split("\n").length - 1,
  };
}

/** What git's http-backend does for a push, with the repository's hooks, which our own calls of git leave out. */
function takePush(request: Request, repository: string): Response | undefined {
  if (request.method !== "POST" || !request.url.endsWith("/git-receive-pack")) return undefined;
  const child = Bun.spawn(["git", "receive-pack", "--stateless-rpc", repository], {
    env: gitEnv({}),
    stdin: request.body ?? "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  return new Response(child.stdout, {
    headers: { "content-type": "application/x-git-receive-pack-result", "cache-control": "no-cache" },
  });
}

async function textOf(path: string): Promise<string> {
  const file = Bun.file(path);
  return (await file.exists()) ? file.text() : "";
}

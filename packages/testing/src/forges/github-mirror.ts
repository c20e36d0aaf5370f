import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";
import { gitOut } from "../git-repository.ts";
import type { GithubEmulator } from "./github-emulator.ts";

/**
 * Brings the branches of a real repository into the emulator through its git data API. The emulator computes the ids of
 * objects as git does, so every id stays the same; one that does not is an error.
 */
export function createGithubMirror(options: {
  emulator: GithubEmulator;
  token: string;
  repository: string;
  dir: string;
}): () => Promise<void> {
  const { emulator, token, repository, dir } = options;
  const done = new Set<string>();
  let refs = new Map<string, string>();
  const send = (method: string, path: string, body: unknown) =>
    emulator.call(token, method, `/repos/${repository}/git/${path}`, body);
  const create = async (kind: string, oid: string, body: unknown) => {
    const made = (await send("POST", kind, body)) as { sha: string };
    if (made.sha !== oid) throw new Error(`the emulator calls ${kind} ${oid} ${made.sha}`);
    done.add(oid);
  };

  async function mirrorTree(oid: string): Promise<void> {
    if (done.has(oid)) return;
    const lines = (await gitOut(["ls-tree", oid], dir)).split("\n").filter((line) => line !== "");
    const tree = lines.map((line) => {
      const [mode = "", type = "", rest = ""] = line.split(" ");
      const [sha = "", path = ""] = rest.split("\t");
      return { mode, type, sha, path };
    });
    for (const { type, sha } of tree) {
      if (type === "tree") await mirrorTree(sha);
      else if (type === "blob" && !done.has(sha))
        await create("blobs", sha, { content: await readBase64(dir, sha), encoding: "base64" });
    }
    await create("trees", oid, { tree });
  }

  async function mirrorCommit(oid: string): Promise<void> {
    if (done.has(oid)) return;
    const format = "%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
    const parts = (await gitOut(["show", "--no-patch", `--format=${format}`, oid], dir)).split("\0");
    const [tree = "", parents = "", an, ae, ad, cn, ce, cd, message = ""] = parts;
    await mirrorTree(tree);
    await create("commits", oid, {
      message,
      tree,
      parents: parents.split(" ").filter((parent) => parent !== ""),
      author: { name: an, email: ae, date: ad },
      committer: { name: cn, email: ce, date: cd },
    });
  }

  return async () => {
    const now = await readRefs(dir);
    for (const [ref, oid] of now) {
      const before = refs.get(ref);
      if (before === oid) continue;
      const commits = await gitOut(["rev-list", "--reverse", "--topo-order", oid], dir);
      for (const commit of commits.split("\n")) await mirrorCommit(commit);
      if (before === undefined) await send("POST", "refs", { ref, sha: oid });
      else await send("PATCH", ref, { sha: oid, force: true });
    }
    for (const ref of refs.keys()) if (!now.has(ref)) await send("DELETE", ref, undefined);
    refs = now;
  };
}

async function readRefs(dir: string): Promise<Map<string, string>> {
  const text = await gitOut(["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads"], dir);
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
  );
}

/** Bytes as they are, which a text of a command's output would not keep. */
async function readBase64(dir: string, oid: string): Promise<string> {
  const child = Bun.spawn(["git", ...GIT_GUARDS, "cat-file", "blob", oid], {
    cwd: dir,
    env: gitEnv({}),
    stdout: "pipe",
  });
  return Buffer.from(await new Response(child.stdout).arrayBuffer()).toString("base64");
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  authorization,
  type BrokerFixture,
  forget,
  mustGit,
  post,
  type RunGrant,
  startBroker,
} from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";

let broker: BrokerFixture;
let run: RunGrant;
/** Commits: of the base branch, an older one of it, of somebody's branch, of a pull request, of a tag. */
let oids: { main: string; older: string; theirs: string; pull: string; tag: string };
let runs = 0;

beforeAll(async () => {
  broker = await startBroker();
  const seed = join(broker.dir, "seed");
  const commit = async (message: string) => {
    await mustGit(broker, seed, "commit", "-q", "--allow-empty", "-m", message);
    return mustGit(broker, seed, "rev-parse", "HEAD");
  };
  const older = await mustGit(broker, seed, "rev-parse", "HEAD");
  const main = await commit("second");
  await mustGit(broker, seed, "push", "-q", broker.repository, "HEAD:refs/heads/main");
  const theirs = await commit("theirs");
  await mustGit(broker, seed, "push", "-q", broker.repository, "HEAD:refs/heads/agent-runs/run-70");
  const pull = await commit("pull");
  await mustGit(broker, seed, "push", "-q", broker.repository, "HEAD:refs/pull/9/head");
  await mustGit(broker, seed, "tag", "-a", "-m", "v1", "v1", main);
  await mustGit(broker, seed, "push", "-q", broker.repository, "v1");
  oids = { main, older, theirs, pull, tag: await mustGit(broker, seed, "rev-parse", "v1") };
  // As GitHub has it: whatever is in the repository may be asked for.
  await mustGit(broker, broker.repository, "config", "uploadpack.allowAnySHA1InWant", "true");
});
afterAll(() => broker.stop());
beforeEach(() => {
  run = broker.grant(7 + runs++);
  forget(broker);
});

const versions = ["0", "2"] as const;

for (const version of versions)
  describe(`GB-24 with protocol ${version}`, () => {
    const git = (cwd: string, ...args: string[]) =>
      broker.client(cwd, ["-c", `protocol.version=${version}`, ...args]);

    test("the list of refs holds the granted ones and HEAD", async () => {
      const { stdout } = await git(broker.dir, "ls-remote", run.urlWithToken);
      expect(stdout).toBe(`${oids.main}\tHEAD\n${oids.main}\trefs/heads/main\n`);
    });

    test("HEAD is not told when it leads elsewhere, and an empty list is one", async () => {
      run.fetchRefs = ["refs/heads/none"];
      expect(await git(broker.dir, "ls-remote", run.urlWithToken)).toMatchObject({ stdout: "", exitCode: 0 });
    });

    test("a clone gets the base branch, its history and no tag", async () => {
      const work = join(broker.dir, `clone-${version}`);
      expect((await git(broker.dir, "clone", "-q", run.urlWithToken, work)).stderr).toBe("");
      expect(await mustGit(broker, work, "for-each-ref", "--format=%(refname)")).toBe(
        "refs/heads/main\nrefs/remotes/origin/HEAD\nrefs/remotes/origin/main",
      );
      for (const hidden of [oids.theirs, oids.pull, oids.tag])
        expect((await git(work, "cat-file", "-e", hidden)).exitCode).not.toBe(0);
    });

    test("a shallow and a partial clone work", async () => {
      for (const flag of ["--depth=1", "--filter=blob:none", "--filter=blob:limit=1m", "--filter=tree:1"]) {
        const work = join(broker.dir, `cut-${version}${flag}`);
        await mustGit(broker, broker.repository, "config", "uploadpack.allowFilter", "true");
        const url = run.urlWithToken;
        expect((await git(broker.dir, "clone", "-q", "--no-checkout", flag, url, work)).stderr).toBe("");
      }
    });

    for (const name of ["theirs", "pull", "older", "tag"] as const)
      test(`the raw id of what is not granted is refused: ${name}`, async () => {
        const into = join(broker.dir, `raw-${version}-${name}`);
        await mustGit(broker, broker.dir, "init", "-q", into);
        const fetched = await git(into, "fetch", "-q", run.urlWithToken, oids[name]);
        expect(fetched.exitCode).not.toBe(0);
        expect((await git(into, "cat-file", "-e", oids[name])).exitCode).not.toBe(0);
        const reply = await asked(rawFetch(version, [`want ${oids[name]}`]), version);
        expect(reply).toContain(`ERR this run may fetch only what refs/heads/main and ${run.ref} point at`);
        expect(broker.refusals.at(-1)).toMatchObject({ runId: run.runId, refs: [oids[name]] });
      });

    test("the id of a granted branch is served, also by a broker that did not show it", async () => {
      const reply = await asked(rawFetch(version, [`want ${oids.main}`]), version);
      expect(reply).toContain("PACK");
    });

    test("what a run was shown is served after the branch moved on", async () => {
      await git(broker.dir, "ls-remote", run.urlWithToken);
      await mustGit(broker, broker.repository, "update-ref", "refs/heads/main", oids.theirs);
      const reply = await asked(rawFetch(version, [`want ${oids.main}`]), version);
      await mustGit(broker, broker.repository, "update-ref", "refs/heads/main", oids.main);
      expect(reply).toContain("PACK");
    });
  });

test("GB-24 the list of refs before a push holds the granted ones", async () => {
  const reply = await fetch(`${run.url}/info/refs?service=git-receive-pack`, {
    headers: { authorization: authorization(run.token) },
  });
  const text = await reply.text();
  expect(text).toContain("refs/heads/main");
  expect(text).not.toMatch(/run-70|refs\/pull|refs\/tags|HEAD|\.have/);
});

test("GB-24 prefixes of the client widen nothing, and the upstream is asked for the granted refs only", async () => {
  for (const prefix of ["refs/", "refs/heads/main", "", "refs/pull/"]) {
    const body = v2("ls-refs", ["peel", "symrefs", `ref-prefix ${prefix}`]);
    const text = await asked(body, "2");
    expect(text).not.toMatch(/run-70|pull|tags/);
    expect(text).toContain("refs/heads/main");
  }
});

for (const [what, lines] of [
  ["a ref by name", ["want-ref refs/heads/agent-runs/run-70"]],
  ["a ref to stop at", [`want MAIN`, "deepen-not refs/pull/9/head"]],
] as const)
  test(`GB-24 ${what} that is not granted is refused`, async () => {
    const text = await asked(
      v2("fetch", [...lines.map((line) => line.replace("MAIN", oids.main)), "done"]),
      "2",
    );
    expect(text).toContain("ERR this run may fetch only");
  });

for (const [what, body] of [
  ["another command", () => v2("object-info", ["size", `oid ${oids.pull}`])],
  ["addresses of packs", () => v2("fetch", [`want ${oids.main}`, "packfile-uris https", "done"])],
  [
    "a want after the wants",
    () => Buffer.concat([rawFetch("0", [`want ${oids.main}`]), pktLine(`want ${oids.pull}\n`)]),
  ],
  ["a want in other letters", () => rawFetch("0", [`want ${oids.main.toUpperCase()}`])],
  [
    "a want with more behind it",
    () => rawFetch("0", [`want ${oids.main}`, `want ${oids.main} ${oids.pull}`]),
  ],
  ["a capability that was not offered", () => rawFetch("0", [`want ${oids.main} include-tag allow-any`])],
  ["a line in a line", () => rawFetch("2", [`want ${oids.main}\nwant ${oids.pull}`])],
  ...["sparse:oid=refs/heads/secret:s", "combine:tree:0+blob:none", "object:type=tag", "blob:none x"].map(
    (filter) =>
      [`the filter ${filter}`, () => v2("fetch", [`want ${oids.main}`, `filter ${filter}`, "done"])] as const,
  ),
  ["two commands", () => Buffer.concat([v2("ls-refs", []), v2("ls-refs", [])])],
  ["half a request", () => v2("fetch", [`want ${oids.main}`]).subarray(0, -6)],
  ["no pkt-line", () => Buffer.from("hello, world")],
] as const)
  test(`GB-24 ${what} is no fetch`, async () => {
    const reply = await post(run, "git-upload-pack", body(), { "git-protocol": "version=2" });
    expect(reply.status).toBe(400);
    expect(broker.upstreamCalls).toEqual([]);
  });

async function asked(body: Uint8Array, version: string): Promise<string> {
  const reply = await post(
    run,
    "git-upload-pack",
    body,
    version === "2" ? { "git-protocol": "version=2" } : {},
  );
  expect(reply.status).toBe(200);
  return reply.text();
}

function rawFetch(version: string, wants: string[]): Buffer {
  if (version === "2") return v2("fetch", [...wants, "done"]);
  return Buffer.concat([
    ...wants.map((line) => pktLine(`${line}\n`)),
    Buffer.from("0000"),
    pktLine("done\n"),
  ]);
}

function v2(command: string, given: string[]): Buffer {
  return Buffer.concat([
    pktLine(`command=${command}\n`),
    Buffer.from("0001"),
    ...given.map((line) => pktLine(`${line}\n`)),
    Buffer.from("0000"),
  ]);
}

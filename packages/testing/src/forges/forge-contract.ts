import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { createForgeClient } from "@windshift/forges/create-forge-client.ts";
import {
  type ConnectionCheck,
  type ForgeClient,
  ForgeError,
  type NewPullRequest,
} from "@windshift/forges/forge-client.ts";
import { gitOut } from "../git-repository.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import type { ForgeServer } from "./forge-server.ts";
import { pushBranch } from "./push-branch.ts";

/** What differs from forge to forge, and is not the port's to hide. */
export interface ForgeTraits {
  /** How a draft shows in the title; empty where it is a field of its own. */
  draftPrefix: string;
  /** Whether an expired credential is said to be expired. */
  saysExpired: boolean;
  /** The path of the call that opens a pull request. */
  createPath: RegExp;
  /** An answer of a rate limit until this time, seconds since 1970. */
  limit(resetS: number): { status: number; headers: Record<string, string>; body: unknown };
}

const TEST_MS_MAX = 60_000;
const SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=";

/** What every ForgeClient promises, against a real server of its kind. */
export function forgeContract(
  name: string,
  start: () => Promise<ForgeServer>,
  { draftPrefix, saysExpired, createPath, limit }: ForgeTraits,
): void {
  describe(`forge contract: ${name}`, () => {
    let forge: ForgeServer;
    let client: ForgeClient;
    let folder: TempDir;
    let branches = 0;

    beforeAll(async () => {
      folder = tempDir();
      forge = await start();
      client = await connect(forge.tokens.full);
    }, TEST_MS_MAX);
    afterAll(async () => {
      await forge?.stop();
      folder?.remove();
    });

    const connect = (token: string, options: { baseUrl?: string; clock?: typeof systemClock } = {}) =>
      createForgeClient(forge.kind, {
        baseUrl: options.baseUrl ?? forge.url,
        credential: { kind: "token", token },
        fetch: (input, init) => fetch(input, init),
        ...(options.clock === undefined ? {} : { clock: options.clock }),
      });

    /** A pushed branch with one commit, and the request for its pull request. */
    async function pushed(): Promise<NewPullRequest & { headOid: string }> {
      branches += 1;
      const sourceBranch = `agent-runs/run-${branches}`;
      const { username, password } = await client.gitCredential(forge.repository);
      const headOid = await pushBranch({
        url: `${client.gitBaseUrl}/${forge.repository.owner}/${forge.repository.name}.git`,
        username,
        password,
        workDir: join(folder.path, `work-${branches}`),
        branch: sourceBranch,
        file: `file-${branches}.txt`,
      });
      const { repository } = forge;
      return {
        repository,
        title: `Change ${branches}`,
        body: `It works.\n\n<!-- run ${branches} -->`,
        mark: `<!-- run ${branches} -->`,
        sourceBranch,
        targetBranch: "main",
        headOid,
      };
    }

    const creations = () =>
      forge.faults.log.filter((r) => r.method === "POST" && createPath.test(r.path)).length;

    describe("a check", () => {
      test("says who a good credential is", async () => {
        const checked = await client.check();
        expect(checked).toMatchObject({ ok: true, login: forge.agent });
        expect(checked.message).toContain(forge.agent);
      });

      test("says which scope is missing", async () => {
        const checked = refusedCheck(await (await connect(forge.tokens.narrow)).check());
        expect(checked.kind).toBe("missing_scope");
        expect(checked.message).toMatch(/lacks the scope `(repo|api|read:repository)`/);
      });

      test("says that a credential is wrong, revoked or expired", async () => {
        for (const token of [forge.tokens.revoked, forge.tokens.expired, "nobody-knows-this-token"]) {
          const checked = refusedCheck(await (await connect(token)).check());
          expect(checked.kind).toBe("unauthorized");
          expect(checked.message).not.toContain(token);
        }
        const expired = refusedCheck(await (await connect(forge.tokens.expired)).check());
        if (saysExpired) expect(expired.message).toContain("is expired");
      });

      test("says that nobody answers, or somebody who is not such a forge", async () => {
        const closed = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
        const nobody = `http://127.0.0.1:${closed.port}`;
        await closed.stop(true);
        expect(await (await connect(forge.tokens.full, { baseUrl: nobody })).check()).toMatchObject({
          ok: false,
          kind: "unreachable",
        });
        using other = Bun.serve({
          hostname: "127.0.0.1",
          port: 0,
          fetch: () => new Response("<html>hello", { headers: { "content-type": "text/html" } }),
        });
        const foreign = await connect(forge.tokens.full, { baseUrl: `http://127.0.0.1:${other.port}` });
        const checked = refusedCheck(await foreign.check());
        expect(checked.kind).toBe("refused");
        expect(checked.message).toContain("base address");
      });
    });

    describe("repositories", () => {
      test("are listed, searched and read", async () => {
        const { repositories } = await client.listRepositories({ page: 1 });
        expect(repositories).toContainEqual(await client.getRepository(forge.repository));
        const { name } = forge.repository;
        const found = await client.listRepositories({ page: 1, search: name });
        expect(found.repositories.map((r) => r.name)).toContain(name);
        expect((await client.listRepositories({ page: 1, search: "no-such-thing" })).repositories).toEqual(
          [],
        );
      });

      test("tell the default branch, the page and the right to push", async () => {
        expect(await client.getRepository(forge.repository)).toEqual({
          ...forge.repository,
          defaultBranch: "main",
          webUrl: `${forge.url}/${forge.repository.owner}/${forge.repository.name}`,
          archived: false,
          private: true,
          canPush: true,
        });
      });

      test("that are not there, or hidden, are not found", async () => {
        const gone = { owner: forge.repository.owner, name: "no-such-thing" };
        for (const call of [
          () => client.getRepository(gone),
          () => client.readBranch(gone, "main"),
          () => client.compare(gone, "0".repeat(40), "main"),
        ])
          expect((await failureOf(call())).kind).toBe("not_found");
      });
    });

    describe("a branch", () => {
      test(
        "is read, and null when it is not there",
        async () => {
          const main = await gitOut(["rev-parse", "main"], forge.dir);
          expect(await client.readBranch(forge.repository, "main")).toBe(main);
          const { sourceBranch, headOid } = await pushed();
          expect(await client.readBranch(forge.repository, sourceBranch)).toBe(headOid);
          expect(await client.readBranch(forge.repository, "agent-runs/none")).toBeNull();
        },
        TEST_MS_MAX,
      );

      test(
        "is compared with another: the common commit and what came since",
        async () => {
          const { headOid, sourceBranch } = await pushed();
          const baseOid = await gitOut(["rev-parse", `${headOid}^`], forge.dir);
          expect(await client.compare(forge.repository, headOid, "main")).toEqual({ baseOid, commits: 1 });
          expect(await client.compare(forge.repository, baseOid, "main")).toEqual({ baseOid, commits: 0 });
          expect(await client.compare(forge.repository, baseOid, sourceBranch)).toEqual({
            baseOid,
            commits: 0,
          });
          expect(await client.compare(forge.repository, headOid, "no-such-branch")).toBe("unrelated");
        },
        TEST_MS_MAX,
      );

      test(
        "without a common commit is unrelated",
        async () => {
          const tree = await gitOut(["rev-parse", "main^{tree}"], forge.dir);
          const alone = await gitOut(["commit-tree", tree, "-m", "Alone"], forge.dir);
          await gitOut(["update-ref", "refs/heads/alone", alone], forge.dir);
          expect(await client.compare(forge.repository, alone, "main")).toBe("unrelated");
        },
        TEST_MS_MAX,
      );
    });

    describe("a pull request", () => {
      test(
        "is opened as a draft, in the forge's own way",
        async () => {
          const request = await pushed();
          expect(await client.findPullRequest(forge.repository, request.sourceBranch)).toBeUndefined();
          const { pullRequest, adopted, note } = await client.openPullRequest(request);
          expect({ adopted, note }).toEqual({ adopted: false, note: undefined });
          expect(pullRequest).toMatchObject({
            title: `${draftPrefix}${request.title}`,
            state: "open",
            draft: true,
            sourceBranch: request.sourceBranch,
            targetBranch: "main",
            headOid: request.headOid,
            mergeOid: null,
          });
          expect(pullRequest.url).toStartWith(`${forge.url}/`);
          expect(await client.getPullRequest(forge.repository, pullRequest.number)).toEqual(pullRequest);
          expect(await client.findPullRequest(forge.repository, request.sourceBranch)).toEqual(pullRequest);
        },
        TEST_MS_MAX,
      );

      test(
        "is opened once although the reply of the first call is lost",
        async () => {
          const request = await pushed();
          const before = creations();
          forge.faults.add({ method: "POST", path: createPath, what: { kind: "lose_reply" } });
          expect((await failureOf(client.openPullRequest(request))).kind).toBe("unreachable");
          const { adopted, pullRequest } = await client.openPullRequest(request);
          expect(adopted).toBe(true);
          expect(pullRequest.sourceBranch).toBe(request.sourceBranch);
          expect(creations() - before).toBe(1);
        },
        TEST_MS_MAX,
      );

      test(
        "is not written twice after a fault of the forge",
        async () => {
          const request = await pushed();
          const before = creations();
          forge.faults.add({ method: "POST", path: createPath, what: { kind: "answer", status: 502 } });
          expect((await failureOf(client.openPullRequest(request))).kind).toBe("unreachable");
          expect(creations() - before).toBe(1);
        },
        TEST_MS_MAX,
      );

      test(
        "that the credential may not open says which scope is missing",
        async () => {
          const narrow = await connect(forge.tokens.narrow);
          const failure = await failureOf(narrow.openPullRequest(await pushed()));
          expect(failure.kind).toBe("missing_scope");
          expect(failure.message).toMatch(/lacks the scope `(repo|api|read:repository)`/);
        },
        TEST_MS_MAX,
      );

      test(
        "that somebody opened in between is adopted",
        async () => {
          const request = await pushed();
          const [first, second] = await Promise.all([
            client.openPullRequest(request),
            client.openPullRequest(request),
          ]);
          expect(second.pullRequest.number).toBe(first.pullRequest.number);
          expect([first.adopted, second.adopted].sort()).toEqual([false, true]);
        },
        TEST_MS_MAX,
      );

      test(
        "of the branch that another request made is not taken for this one's, and a decided one not in its way",
        async () => {
          const request = await pushed();
          const { pullRequest: foreign } = await client.openPullRequest(request);
          const mine = { ...request, mark: "<!-- mine -->", body: "It is mine. <!-- mine -->" };
          const failure = await failureOf(client.openPullRequest(mine));
          expect(failure.kind).toMatch(/^(refused|conflict)$/);
          expect(failure.message).toContain("already exists");
          await forge.close(foreign.number);
          const opened = await client.openPullRequest(mine);
          expect(opened).toMatchObject({ adopted: false, pullRequest: { state: "open" } });
          expect(opened.pullRequest.number).not.toBe(foreign.number);
        },
        TEST_MS_MAX,
      );

      test(
        "that a person closed is neither opened again nor doubled",
        async () => {
          const request = await pushed();
          const { pullRequest } = await client.openPullRequest(request);
          await forge.close(pullRequest.number);
          const again = await client.openPullRequest(request);
          expect(again).toMatchObject({
            adopted: true,
            pullRequest: { number: pullRequest.number, state: "closed", mergeOid: null },
          });
        },
        TEST_MS_MAX,
      );

      test(
        "that was merged tells the commit",
        async () => {
          const request = await pushed();
          const { pullRequest } = await client.openPullRequest(request);
          await forge.merge(pullRequest.number);
          const merged = await client.getPullRequest(forge.repository, pullRequest.number);
          expect(merged.state).toBe("merged");
          expect(merged.mergeOid).toMatch(/^[0-9a-f]{40}$/);
          expect((await client.openPullRequest(request)).pullRequest.number).toBe(pullRequest.number);
        },
        TEST_MS_MAX,
      );

      test(
        "of a branch that is not there is refused with the forge's words",
        async () => {
          const request = { ...(await pushed()), sourceBranch: "agent-runs/never-pushed" };
          expect((await failureOf(client.openPullRequest(request))).kind).toMatch(/^(refused|not_found)$/);
        },
        TEST_MS_MAX,
      );
    });

    describe("comments", () => {
      test(
        "come with their authors, oldest first, and from the cursor on",
        async () => {
          const { pullRequest } = await client.openPullRequest(await pushed());
          const { number } = pullRequest;
          expect((await client.listComments(forge.repository, number, undefined)).comments).toEqual([]);
          await forge.comment(number, forge.people.writer, "@agent please rename it");
          const first = await client.listComments(forge.repository, number, undefined);
          expect(first.comments).toMatchObject([
            {
              kind: "comment",
              login: forge.people.writer,
              body: "@agent please rename it",
              authorIsBot: false,
            },
          ]);
          await forge.review(number, forge.people.reader, "Nearly there", "@agent this line");
          const added = await client.addComment(forge.repository, number, "On it");
          const { comments } = await client.listComments(forge.repository, number, first.cursor);
          const fresh = comments.filter((c) => first.comments.every((old) => old.id !== c.id));
          expect(fresh.map(({ login, body }) => `${login}: ${body}`).sort()).toEqual(
            [
              `${forge.people.reader}: Nearly there`,
              `${forge.people.reader}: @agent this line`,
              `${forge.agent}: On it`,
            ].sort(),
          );
          expect(fresh.find((c) => c.body === "@agent this line")?.kind).toBe("review_comment");
          expect(fresh.find((c) => c.body === "On it")).toMatchObject({ id: added.id, url: added.url });
          expect(new Set(comments.map((c) => c.id)).size).toBe(comments.length);
          const times = comments.map((c) => c.createdAtMs);
          expect(times).toEqual(times.toSorted((a, b) => a - b));
        },
        TEST_MS_MAX,
      );

      test("count from people with write access alone", async () => {
        const { writer, reader, outsider } = forge.people;
        const rights = [writer, reader, outsider, "nobody-has-this-name"].map((login) =>
          client.canWrite(forge.repository, login),
        );
        expect(await Promise.all(rights)).toEqual([true, false, false, false]);
      });
    });

    describe("a webhook", () => {
      test("says what it is about when its signature is good", async () => {
        for (const secret of [SECRET, "a-plain-secret"])
          for (const event of ["pull_request", "comment", "review", "push"] as const) {
            const { headers, body } = forge.webhook(event, 12, secret);
            const seen = await client.verifyWebhook(headers, body, secret);
            // GitLab has no event for reviews: each of their notes comes by itself.
            const kind = event === "review" && forge.kind === "gitlab" ? "comment" : event;
            expect(seen).toMatchObject({
              kind,
              ...forge.repository,
              ...(event === "push" ? {} : { number: 12 }),
            });
            expect("deliveryId" in seen && seen.deliveryId).toMatch(/^[\w-]{8,}$/);
          }
      });

      test("is refused with a changed body, another secret, no secret, or a header less", async () => {
        // The body of GitLab's plain secret is not signed, so that way is held to the rest.
        const signed = forge.webhook("comment", 12, SECRET);
        const changed = new TextEncoder().encode(new TextDecoder().decode(signed.body).replace("12", "13"));
        expect((await client.verifyWebhook(signed.headers, changed, SECRET)).kind).toBe("refused");
        for (const secret of [SECRET, "a-plain-secret"]) {
          const { headers, body } = forge.webhook("comment", 12, secret);
          for (const other of [`x${secret}`, "whsec_b3RoZXItb3RoZXItb3RoZXI=", ""])
            expect((await client.verifyWebhook(headers, body, other)).kind).toBe("refused");
          const proof = Object.keys(headers).filter((header) => /signature|gitlab-token/.test(header));
          expect(proof).not.toEqual([]);
          const without = Object.fromEntries(
            Object.entries(headers).filter(([header]) => !proof.includes(header)),
          );
          const refused = await client.verifyWebhook(without, body, secret);
          expect(refused.kind).toBe("refused");
          expect(JSON.stringify(refused)).not.toContain(secret);
        }
      });
    });

    describe("limits and failures", () => {
      test("a rate limit is kept to: nothing is asked before it is over", async () => {
        let nowMs = Date.now();
        const clock = { ...systemClock, nowMs: () => nowMs };
        const careful = await connect(forge.tokens.full, { clock });
        const resetS = Math.floor(nowMs / 1_000) + 120;
        forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", ...limit(resetS) } });
        const limited = await failureOf(careful.getRepository(forge.repository));
        expect(limited.kind).toBe("rate_limited");
        expect(limited.retryAtMs).toBeGreaterThan(nowMs + 60_000);
        const asked = forge.faults.log.length;
        expect((await failureOf(careful.getRepository(forge.repository))).kind).toBe("rate_limited");
        expect(forge.faults.log.length).toBe(asked);
        nowMs = (limited.retryAtMs ?? 0) + 1;
        expect((await careful.getRepository(forge.repository)).name).toBe(forge.repository.name);
      });

      test("a redirect is not followed", async () => {
        let reached = 0;
        using elsewhere = Bun.serve({
          hostname: "127.0.0.1",
          port: 0,
          fetch: () => Response.json({ reached: ++reached }),
        });
        const headers = { location: `http://127.0.0.1:${elsewhere.port}/new?token=abc` };
        forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", status: 301, headers } });
        const failure = await failureOf(client.getRepository(forge.repository));
        expect(failure).toMatchObject({ kind: "refused", status: 301 });
        expect(failure.message).toContain(`127.0.0.1:${elsewhere.port}/new`);
        expect(failure.message).not.toContain("abc");
        expect(reached).toBe(0);
      });

      test("a message never holds the credential, whatever the forge writes", async () => {
        for (const status of [400, 401, 403, 404, 409, 422, 500]) {
          const body = { message: `you sent ${forge.tokens.full}`, error: forge.tokens.full };
          forge.faults.add({ method: "GET", path: /./, what: { kind: "answer", status, body } });
          const failure = await failureOf(client.getRepository(forge.repository));
          expect(failure.message).not.toContain(forge.tokens.full);
          expect(failure.message.length).toBeLessThan(600);
        }
      });

      test(
        "git takes the credential, and refuses a revoked one",
        async () => {
          const revoked = await (await connect(forge.tokens.revoked)).gitCredential(forge.repository);
          const url = `${client.gitBaseUrl}/${forge.repository.owner}/${forge.repository.name}.git`;
          const push = pushBranch({
            url,
            ...revoked,
            workDir: join(folder.path, "revoked"),
            branch: "x",
            file: "x",
          });
          expect((await push.catch((error: Error) => error.message)) as string).toMatch(/failed/);
        },
        TEST_MS_MAX,
      );
    });

    test("every request and reply is one of the published description", () => {
      expect(forge.violations).toEqual([]);
    });
  });
}

function refusedCheck(checked: ConnectionCheck): Extract<ConnectionCheck, { ok: false }> {
  if (checked.ok) throw new Error(`the check was good: ${checked.message}`);
  return checked;
}

async function failureOf(call: Promise<unknown>): Promise<ForgeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ForgeError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

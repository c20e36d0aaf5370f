import { describe, expect, test } from "bun:test";
import { type ForgeBench, failureOf, TEST_MS_MAX } from "./forge-bench.ts";

/** How pull requests are opened, found and followed. */
export function opensPullRequests(at: ForgeBench): void {
  describe("a pull request", () => {
    test(
      "is opened as a draft, in the forge's own way",
      async () => {
        const request = await at.pushed();
        expect(await at.client.findPullRequest(at.forge.repository, request.sourceBranch)).toBeUndefined();
        const { pullRequest, adopted, note } = await at.client.openPullRequest(request);
        expect({ adopted, note }).toEqual({ adopted: false, note: undefined });
        expect(pullRequest).toMatchObject({
          title: `${at.traits.draftPrefix}${request.title}`,
          state: "open",
          draft: true,
          sourceBranch: request.sourceBranch,
          targetBranch: "main",
          headOid: request.headOid,
          mergeOid: null,
        });
        expect(pullRequest.url).toStartWith(`${at.forge.url}/`);
        expect(await at.client.getPullRequest(at.forge.repository, pullRequest.number)).toEqual(pullRequest);
        expect(await at.client.findPullRequest(at.forge.repository, request.sourceBranch)).toEqual(
          pullRequest,
        );
      },
      TEST_MS_MAX,
    );

    test(
      "is opened with a text that is cut when the forge would not take it, and known again by its mark",
      async () => {
        const { charsMax } = at.traits;
        const request = await at.pushed();
        const body = `${"long ".repeat(charsMax.text / 5)}${request.body}`;
        const { pullRequest } = await at.client.openPullRequest({ ...request, body });
        expect(pullRequest.body.length).toBeLessThanOrEqual(charsMax.text);
        expect(pullRequest.body).toContain("The rest was cut");
        expect(await at.client.openPullRequest({ ...request, body })).toMatchObject({ adopted: true });
        const comment = `${"a".repeat(charsMax.comment)}\n<!-- mine -->`;
        const { id } = await at.client.addComment(at.forge.repository, pullRequest.number, comment);
        const { comments } = await at.client.listComments(at.forge.repository, pullRequest.number, undefined);
        const written = comments.find((c) => c.id === id)?.body ?? "";
        expect(written.length).toBeLessThanOrEqual(charsMax.comment);
        expect(written).toEndWith("\n<!-- mine -->");
      },
      TEST_MS_MAX,
    );

    test(
      "is opened once although the reply of the first call is lost",
      async () => {
        const request = await at.pushed();
        const before = at.creations();
        at.forge.faults.add({ method: "POST", path: at.traits.createPath, what: { kind: "lose_reply" } });
        expect((await failureOf(at.client.openPullRequest(request))).kind).toBe("unreachable");
        const { adopted, pullRequest } = await at.client.openPullRequest(request);
        expect(adopted).toBe(true);
        expect(pullRequest.sourceBranch).toBe(request.sourceBranch);
        expect(at.creations() - before).toBe(1);
      },
      TEST_MS_MAX,
    );

    test(
      "is not written twice after a fault of the forge",
      async () => {
        const request = await at.pushed();
        const before = at.creations();
        at.forge.faults.add({
          method: "POST",
          path: at.traits.createPath,
          what: { kind: "answer", status: 502 },
        });
        expect((await failureOf(at.client.openPullRequest(request))).kind).toBe("unreachable");
        expect(at.creations() - before).toBe(1);
      },
      TEST_MS_MAX,
    );

    test(
      "that the credential may not open says which scope is missing",
      async () => {
        const narrow = await at.connect(at.forge.tokens.narrow);
        const failure = await failureOf(narrow.openPullRequest(await at.pushed()));
        expect(failure.kind).toBe("missing_scope");
        expect(failure.message).toMatch(/lacks the scope `(repo|api|read:repository)`/);
      },
      TEST_MS_MAX,
    );

    test(
      "that somebody opened in between is adopted",
      async () => {
        const request = await at.pushed();
        const [first, second] = await Promise.all([
          at.client.openPullRequest(request),
          at.client.openPullRequest(request),
        ]);
        expect(second.pullRequest.number).toBe(first.pullRequest.number);
        expect([first.adopted, second.adopted].sort()).toEqual([false, true]);
      },
      TEST_MS_MAX,
    );

    test(
      "of the branch that another request made is not taken for this one's, and a decided one not in its way",
      async () => {
        const request = await at.pushed();
        const { pullRequest: foreign } = await at.client.openPullRequest(request);
        const mine = { ...request, mark: "<!-- mine -->", body: "It is mine. <!-- mine -->" };
        const failure = await failureOf(at.client.openPullRequest(mine));
        expect(failure.kind).toMatch(/^(refused|conflict)$/);
        expect(failure.message).toContain("already exists");
        await at.forge.close(foreign.number);
        const opened = await at.client.openPullRequest(mine);
        expect(opened).toMatchObject({ adopted: false, pullRequest: { state: "open" } });
        expect(opened.pullRequest.number).not.toBe(foreign.number);
      },
      TEST_MS_MAX,
    );

    test(
      "that a person closed is neither opened again nor doubled",
      async () => {
        const request = await at.pushed();
        const { pullRequest } = await at.client.openPullRequest(request);
        await at.forge.close(pullRequest.number);
        const again = await at.client.openPullRequest(request);
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
        const request = await at.pushed();
        const { pullRequest } = await at.client.openPullRequest(request);
        await at.forge.merge(pullRequest.number);
        const merged = await at.client.getPullRequest(at.forge.repository, pullRequest.number);
        expect(merged.state).toBe("merged");
        expect(merged.mergeOid).toMatch(/^[0-9a-f]{40}$/);
        expect((await at.client.openPullRequest(request)).pullRequest.number).toBe(pullRequest.number);
      },
      TEST_MS_MAX,
    );

    test(
      "of a branch that is not there is refused with the forge's words",
      async () => {
        const request = { ...(await at.pushed()), sourceBranch: "agent-runs/never-pushed" };
        expect((await failureOf(at.client.openPullRequest(request))).kind).toMatch(/^(refused|not_found)$/);
      },
      TEST_MS_MAX,
    );
  });
}

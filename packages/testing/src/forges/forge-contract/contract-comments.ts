import { describe, expect, test } from "bun:test";
import { type ForgeBench, TEST_MS_MAX } from "./forge-bench.ts";

/** More than two pages of any forge. */
const COMMENTS = 205;
const SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=";

/** What people write, and how the forge tells of it. */
export function hearsPeople(at: ForgeBench): void {
  describe("comments", () => {
    test(
      "come with their authors, oldest first, and from the cursor on",
      async () => {
        const { pullRequest } = await at.client.openPullRequest(await at.pushed());
        const { number } = pullRequest;
        expect((await at.client.listComments(at.forge.repository, number, undefined)).comments).toEqual([]);
        await at.forge.comment(number, at.forge.people.writer, "@agent please rename it");
        const first = await at.client.listComments(at.forge.repository, number, undefined);
        expect(first.comments).toMatchObject([
          {
            kind: "comment",
            login: at.forge.people.writer,
            body: "@agent please rename it",
            authorIsBot: false,
          },
        ]);
        await at.forge.review(number, at.forge.people.reader, "Nearly there", "@agent this line");
        const added = await at.client.addComment(at.forge.repository, number, "On it");
        const { comments } = await at.client.listComments(at.forge.repository, number, first.cursor);
        const fresh = comments.filter((c) => first.comments.every((old) => old.id !== c.id));
        expect(fresh.map(({ login, body }) => `${login}: ${body}`).sort()).toEqual(
          [
            `${at.forge.people.reader}: Nearly there`,
            `${at.forge.people.reader}: @agent this line`,
            `${at.forge.agent}: On it`,
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

    test(
      "come all, however many pages they fill",
      async () => {
        const { pullRequest } = await at.client.openPullRequest(await at.pushed());
        const { number } = pullRequest;
        for (let i = 0; i < COMMENTS; i++)
          await at.forge.comment(number, at.forge.people.writer, `comment ${i}`);
        const { comments, cursor } = await at.client.listComments(at.forge.repository, number, undefined);
        expect(new Set(comments.map((c) => c.body)).size).toBe(COMMENTS);
        await at.forge.comment(number, at.forge.people.writer, "one more");
        const later = await at.client.listComments(at.forge.repository, number, cursor);
        expect(later.comments.map((c) => c.body)).toContain("one more");
      },
      TEST_MS_MAX,
    );

    test("count from people with write access alone", async () => {
      const { writer, reader, outsider } = at.forge.people;
      const rights = [writer, reader, outsider, "nobody-has-this-name"].map((login) =>
        at.client.canWrite(at.forge.repository, login),
      );
      expect(await Promise.all(rights)).toEqual([true, false, false, false]);
    });
  });

  describe("a webhook", () => {
    test("says what it is about when its signature is good", async () => {
      for (const secret of [SECRET, "a-plain-secret"])
        for (const event of ["pull_request", "comment", "review", "push"] as const) {
          const { headers, body } = at.forge.webhook(event, 12, secret);
          const seen = await at.client.verifyWebhook(headers, body, secret);
          // GitLab has no event for reviews: each of their notes comes by itself.
          const kind = event === "review" && at.forge.kind === "gitlab" ? "comment" : event;
          expect(seen).toMatchObject({
            kind,
            ...at.forge.repository,
            ...(event === "push" ? {} : { number: 12 }),
          });
          expect("deliveryId" in seen && seen.deliveryId).toMatch(/^[\w-]{8,}$/);
        }
    });

    test("is refused with a changed body, another secret, no secret, or a header less", async () => {
      // The body of GitLab's plain secret is not signed, so that way is held to the rest.
      const signed = at.forge.webhook("comment", 12, SECRET);
      const changed = new TextEncoder().encode(new TextDecoder().decode(signed.body).replace("12", "13"));
      expect((await at.client.verifyWebhook(signed.headers, changed, SECRET)).kind).toBe("refused");
      for (const secret of [SECRET, "a-plain-secret"]) {
        const { headers, body } = at.forge.webhook("comment", 12, secret);
        for (const other of [`x${secret}`, "whsec_b3RoZXItb3RoZXItb3RoZXI=", ""])
          expect((await at.client.verifyWebhook(headers, body, other)).kind).toBe("refused");
        const proof = Object.keys(headers).filter((header) => /signature|gitlab-token/.test(header));
        expect(proof).not.toEqual([]);
        const without = Object.fromEntries(
          Object.entries(headers).filter(([header]) => !proof.includes(header)),
        );
        const refused = await at.client.verifyWebhook(without, body, secret);
        expect(refused.kind).toBe("refused");
        expect(JSON.stringify(refused)).not.toContain(secret);
      }
    });
  });
}

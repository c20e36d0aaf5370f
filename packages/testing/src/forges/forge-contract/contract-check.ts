import { describe, expect, test } from "bun:test";
import { gitOut } from "../../git-repository.ts";
import { type ForgeBench, refusedCheck } from "./forge-bench.ts";

/** What a connection says of its credential. */
export function checksCredentials(at: ForgeBench): void {
  describe("a check", () => {
    test("says who a good credential is", async () => {
      const checked = await at.client.check();
      expect(checked).toMatchObject({ ok: true, login: at.forge.agent });
      expect(checked.message).toContain(at.forge.agent);
    });

    test("says which scope is missing", async () => {
      const checked = refusedCheck(await (await at.connect(at.forge.tokens.narrow)).check());
      expect(checked.kind).toBe("missing_scope");
      expect(checked.message).toMatch(/lacks the scope `(repo|api|read:repository)`/);
    });

    test("says that a credential is wrong, revoked or expired", async () => {
      for (const token of [at.forge.tokens.revoked, at.forge.tokens.expired, "nobody-knows-this-token"]) {
        const checked = refusedCheck(await (await at.connect(token)).check());
        expect(checked.kind).toBe("unauthorized");
        expect(checked.message).not.toContain(token);
      }
      const expired = refusedCheck(await (await at.connect(at.forge.tokens.expired)).check());
      if (at.traits.saysExpired) expect(expired.message).toContain("is expired");
    });

    test("says that nobody answers, or somebody who is not such a forge", async () => {
      const closed = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
      const nobody = `http://127.0.0.1:${closed.port}`;
      await closed.stop(true);
      expect(await (await at.connect(at.forge.tokens.full, { baseUrl: nobody })).check()).toMatchObject({
        ok: false,
        kind: "unreachable",
      });
      using other = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => new Response("<html>hello", { headers: { "content-type": "text/html" } }),
      });
      const foreign = await at.connect(at.forge.tokens.full, { baseUrl: `http://127.0.0.1:${other.port}` });
      const checked = refusedCheck(await foreign.check());
      expect(checked.kind).toBe("refused");
      expect(checked.message).toContain("base address");
    });

    test("a good credential with the rights that a run needs misses none", async () => {
      expect(await at.client.findMissingRight(at.forge.repository)).toBeUndefined();
    });

    test("an account that may only read, and a token that may do less than its account, say what to grant", async () => {
      for (const { token, grant } of at.forge.weakTokens) {
        const missing = await (await at.connect(token)).findMissingRight(at.forge.repository);
        expect(missing).toContain(grant);
        expect(missing).not.toContain(token);
      }
      await at.forge.setAgentAccess("read");
      expect(await at.client.findMissingRight(at.forge.repository)).toContain("may not push to");
      await at.forge.setAgentAccess("admin");
      expect(await at.client.findMissingRight(at.forge.repository)).toBeUndefined();
    });

    test("to ask for rights changes nothing on the forge", async () => {
      const before = await state();
      const tokens = [at.forge.tokens.full, ...at.forge.weakTokens.map(({ token }) => token)];
      for (const token of tokens) await (await at.connect(token)).findMissingRight(at.forge.repository);
      expect(await state()).toEqual(before);
    });

    const state = async () => [
      await gitOut(["for-each-ref"], at.forge.dir),
      at.forge.faults.log.filter(({ method, status }) => method !== "GET" && status < 400).length,
    ];
  });
}

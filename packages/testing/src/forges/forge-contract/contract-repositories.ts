import { describe, expect, test } from "bun:test";
import { gitOut } from "../../git-repository.ts";
import { type ForgeBench, failureOf, TEST_MS_MAX } from "./forge-bench.ts";

/** What is read of repositories and their branches. */
export function readsRepositories(at: ForgeBench): void {
  describe("repositories", () => {
    test("are listed, searched and read", async () => {
      const { name } = at.forge.repository;
      const found = await at.client.listRepositories({ page: 1, search: name });
      expect(found.repositories).toEqual([await at.client.getRepository(at.forge.repository)]);
      expect((await at.client.listRepositories({ page: 1, search: "no-such-thing" })).repositories).toEqual(
        [],
      );
    });

    test("are listed a page at a time, each once and none left out", async () => {
      const names: string[] = [];
      let pages = 0;
      for (let page: number | null = 1; page !== null && pages < 10; pages++) {
        const listed = await at.client.listRepositories({ page });
        names.push(...listed.repositories.map((r) => r.name));
        page = listed.nextPage;
      }
      expect([names.length, new Set(names).size]).toEqual(
        Array(2).fill(at.forge.otherRepositories + 1) as number[],
      );
      expect(pages).toBe(Math.ceil(names.length / 50));
    });

    test("tell the default branch, the page and the right to push", async () => {
      expect(await at.client.getRepository(at.forge.repository)).toEqual({
        ...at.forge.repository,
        defaultBranch: "main",
        webUrl: `${at.forge.url}/${at.forge.repository.owner}/${at.forge.repository.name}`,
        archived: false,
        private: true,
        canPush: true,
      });
    });

    test("that are not there, or hidden, are not found", async () => {
      const gone = { owner: at.forge.repository.owner, name: "no-such-thing" };
      for (const call of [
        () => at.client.getRepository(gone),
        () => at.client.readBranch(gone, "main"),
        () => at.client.compare(gone, "0".repeat(40), "main"),
      ])
        expect((await failureOf(call())).kind).toBe("not_found");
    });
  });

  describe("a branch", () => {
    test(
      "is read, and null when it is not there",
      async () => {
        const main = await gitOut(["rev-parse", "main"], at.forge.dir);
        expect(await at.client.readBranch(at.forge.repository, "main")).toBe(main);
        const { sourceBranch, headOid } = await at.pushed();
        expect(await at.client.readBranch(at.forge.repository, sourceBranch)).toBe(headOid);
        expect(await at.client.readBranch(at.forge.repository, "agent-runs/none")).toBeNull();
      },
      TEST_MS_MAX,
    );

    test(
      "is compared with another: the common commit and what came since",
      async () => {
        const { headOid, sourceBranch } = await at.pushed();
        const baseOid = await gitOut(["rev-parse", `${headOid}^`], at.forge.dir);
        expect(await at.client.compare(at.forge.repository, headOid, "main")).toEqual({
          baseOid,
          commits: 1,
        });
        expect(await at.client.compare(at.forge.repository, baseOid, "main")).toEqual({
          baseOid,
          commits: 0,
        });
        expect(await at.client.compare(at.forge.repository, baseOid, sourceBranch)).toEqual({
          baseOid,
          commits: 0,
        });
        expect(await at.client.compare(at.forge.repository, headOid, "no-such-branch")).toBe("unrelated");
      },
      TEST_MS_MAX,
    );

    test(
      "without a common commit is unrelated",
      async () => {
        const tree = await gitOut(["rev-parse", "main^{tree}"], at.forge.dir);
        const alone = await gitOut(["commit-tree", tree, "-m", "Alone"], at.forge.dir);
        await gitOut(["update-ref", "refs/heads/alone", alone], at.forge.dir);
        expect(await at.client.compare(at.forge.repository, alone, "main")).toBe("unrelated");
      },
      TEST_MS_MAX,
    );
  });
}

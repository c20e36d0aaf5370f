import { expect, test } from "bun:test";
import { pageOf } from "@windshift/testing/forges/forge-pages.ts";
import { createForgeClient, type ForgeKind } from "./create-forge-client.ts";

/** More than the pages that are read of one listing, on every forge. */
const REVIEWS = 730;
const START_MS = Date.parse("2026-01-02T00:00:00Z");
const at = (n: number) => new Date(START_MS + n * 60_000).toISOString();

/** A forge with one pull request, which has these reviews, oldest first, and no comments. @param silent does not say how many */
function startForge(kind: ForgeKind, count: number, silent = false) {
  const asked: string[] = [];
  const user = { login: "wanda", type: "User" };
  const reviews = Array.from({ length: count }, (_, n) => ({
    id: n + 1,
    body: `review ${n + 1}`,
    html_url: "",
    state: kind === "github" ? "COMMENTED" : "COMMENT",
    comments_count: 0,
    submitted_at: at(n),
    user,
  }));
  const sizes =
    kind === "github"
      ? ({ sizeName: "per_page", sizeDefault: 30, sizeMax: 100 } as const)
      : ({ sizeName: "limit", sizeDefault: 30, sizeMax: 50 } as const);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const url = new URL(request.url);
      if (!url.pathname.endsWith("/reviews")) return Response.json([]);
      asked.push(url.searchParams.get("page") ?? "1");
      const { items, headers } = pageOf(url, reviews, sizes);
      return Response.json(items, { headers: silent ? withoutCount(headers) : headers });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, stop: () => server.stop(true) };
}

function withoutCount({ link, "x-total-count": _, ...headers }: Record<string, string>) {
  const next = link?.split(", ").find((one) => one.endsWith('rel="next"'));
  return next === undefined ? headers : { ...headers, link: next };
}

for (const kind of ["github", "forgejo"] as const) {
  const repository = { owner: "acme", name: "shop" };
  const connect = (baseUrl: string) =>
    createForgeClient(kind, {
      baseUrl,
      credential: { kind: "token", token: "t".repeat(40) },
      fetch: (input, init) => fetch(input, init),
    });

  test(`the newest review of very many is heard on ${kind}, by few requests`, async () => {
    const forge = startForge(kind, REVIEWS);
    try {
      const client = await connect(forge.url);
      const { comments, cursor } = await client.listComments(repository, 1, undefined);
      expect(comments.at(-1)?.body).toBe(`review ${REVIEWS}`);
      expect(cursor).toBe(at(REVIEWS - 1));
      expect(forge.asked).toHaveLength(5);
      const later = await client.listComments(repository, 1, at(REVIEWS - 3));
      expect(later.comments.map(({ body }) => body).slice(-3)).toEqual(
        [REVIEWS - 2, REVIEWS - 1, REVIEWS].map((n) => `review ${n}`),
      );
    } finally {
      await forge.stop();
    }
  });

  test(`few reviews are read once each on ${kind}, also where it does not say how many there are`, async () => {
    for (const silent of [false, true]) {
      const forge = startForge(kind, 120, silent);
      try {
        const { comments } = await (await connect(forge.url)).listComments(repository, 1, undefined);
        expect(comments.map(({ body }) => body)).toEqual(
          Array.from({ length: 120 }, (_, n) => `review ${n + 1}`),
        );
        if (!silent) expect(forge.asked).toEqual(kind === "github" ? ["1", "2"] : ["1", "2", "3"]);
      } finally {
        await forge.stop();
      }
    }
  });
}

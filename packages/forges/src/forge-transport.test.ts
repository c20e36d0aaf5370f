import { expect, test } from "bun:test";
import { systemClock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ForgeFetch } from "./create-forge-client.ts";
import { ForgeError } from "./forge-client.ts";
import { FORGE_SILENCE_MS_MAX } from "./forge-rate-limit.ts";
import { createForgeTransport, FORGE_REPLY_BYTES_MAX } from "./forge-transport.ts";

const START_MS = 1_800_000_000_000;

function transport(fetch: ForgeFetch, nowMs: () => number = () => START_MS) {
  return createForgeTransport({
    fetch,
    clock: { ...systemClock, nowMs },
    forge: "GitHub",
    host: "git.example",
    secrets: ["secret-token"],
    explain: () => undefined,
  });
}

async function failure(call: Promise<unknown>): Promise<ForgeError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ForgeError)) throw new Error("no ForgeError", { cause: error });
  return error;
}

test("an answer without end is broken off", async () => {
  let pulled = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_048_576).fill(++pulled && 32)),
    });
  const send = transport(
    async () => new Response(endless(), { headers: { "content-type": "application/json" } }),
  );
  const failed = await failure(send("https://git.example/"));
  expect(failed.kind).toBe("unreachable");
  expect(pulled * 1_048_576).toBeLessThan(2 * FORGE_REPLY_BYTES_MAX);
});

test("the sentence of the guard is passed on, that of the network is not", async () => {
  const guard = new AppError("forbidden", "10.0.0.1:443 is a private address; an administrator can allow it");
  const blocked = await failure(transport(() => Promise.reject(guard))("https://git.example/"));
  expect(blocked).toMatchObject({ kind: "unreachable", message: guard.message });
  const raw = new Error("connect ECONNREFUSED https://x:secret-token@git.example");
  const refused = await failure(transport(() => Promise.reject(raw))("https://git.example/"));
  expect(refused.kind).toBe("unreachable");
  expect(refused.message).not.toContain("secret-token");
});

test("the request tells fetch to follow no redirect", async () => {
  let redirect: string | undefined;
  const send = transport(async (_, init) => {
    redirect = init?.redirect;
    return Response.json({});
  });
  await send("https://git.example/", { redirect: "follow" });
  expect(redirect).toBe("manual");
});

/** As GitHub has it on each of its answers. */
const RESETS_LATER = {
  "x-ratelimit-remaining": "4990",
  "x-ratelimit-reset": String(START_MS / 1_000 + 3_000),
  "x-ratelimit-resource": "core",
};

const LIMITS: [what: string, response: () => Response, afterMs: number, silent: boolean][] = [
  ["a secondary limit with a time", () => limited(403, { "retry-after": "90" }), 90_000, true],
  [
    "a secondary limit without one",
    () => limited(403, {}, "You have exceeded a secondary rate limit"),
    60_000,
    true,
  ],
  [
    "a secondary limit without one, of a forge that says when another limit begins anew",
    () => limited(403, RESETS_LATER, "You have exceeded a secondary rate limit"),
    60_000,
    true,
  ],
  ["too many requests at once, with some of the hour left", () => limited(429, RESETS_LATER), 60_000, true],
  [
    "a limit of the search alone",
    () =>
      limited(403, {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-resource": "search",
        "x-ratelimit-reset": "1800000030",
      }),
    30_000,
    false,
  ],
  ["a limit until next year", () => limited(429, { "retry-after": "99999999" }), FORGE_SILENCE_MS_MAX, true],
  ["a limit that is over already", () => limited(429, { "ratelimit-reset": "1000000001" }), 1_000, true],
];

for (const [what, response, afterMs, silent] of LIMITS)
  test(`${what} is waited for as long as it should`, async () => {
    let asked = 0;
    let nowMs = START_MS;
    const answers = [response(), Response.json({})];
    const send = transport(
      async () => answers[asked++] ?? Response.json({}),
      () => nowMs,
    );
    expect(await failure(send("https://git.example/"))).toMatchObject({
      kind: "rate_limited",
      retryAtMs: START_MS + afterMs,
    });
    nowMs += afterMs - 1;
    if (silent) expect((await failure(send("https://git.example/"))).kind).toBe("rate_limited");
    expect(asked).toBe(1);
    nowMs += 1;
    expect((await send("https://git.example/")).status).toBe(200);
  });

test("the last allowed request succeeds, and the next is not sent", async () => {
  let asked = 0;
  const send = transport(async () => {
    asked += 1;
    return Response.json(
      {},
      { headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000060" } },
    );
  });
  expect((await send("https://git.example/")).status).toBe(200);
  expect(await failure(send("https://git.example/"))).toMatchObject({
    kind: "rate_limited",
    retryAtMs: START_MS + 60_000,
  });
  expect(asked).toBe(1);
});

function limited(status: number, headers: Record<string, string>, message = "no"): Response {
  return Response.json({ message }, { status, headers });
}

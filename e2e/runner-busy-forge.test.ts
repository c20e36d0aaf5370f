import { afterAll, beforeAll, expect, test } from "bun:test";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { TriageReply } from "@windshift/contract/triage.ts";
import type { AttemptPaths, Checkout } from "@windshift/execution/checkout.ts";
import { PatientCheckout } from "@windshift/execution/patient-checkout.ts";
import { mustGit } from "@windshift/git-broker/broker-fixture.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import {
  type AttemptFixture,
  preparedBase,
  startTriage,
  type TriageFixture,
} from "../apps/triage/src/triage-fixture.ts";

/** A dozen programs are started one after the other, on a loaded machine. */
const TEST_MS_MAX = 120_000;

let host: TriageFixture;
beforeAll(async () => {
  host = await startTriage();
});
afterAll(() => host.stop());

/** In front of the broker: gives the next requests these answers, and passes the others on. */
function door(answers: number[]) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const status = answers.shift();
      if (status !== undefined) return new Response("come back later\n", { status });
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.arrayBuffer() : undefined;
      return fetch(`${host.broker.origin}${pathname}${search}`, {
        method: request.method,
        headers: request.headers,
        ...(body === undefined ? {} : { body }),
        decompress: false,
      });
    },
  });
  return { origin: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

/** The real program behind the port that a job uses. */
function patient(attempt: AttemptFixture, origin: string) {
  const clone_url = attempt.run.url.replace(host.broker.origin, origin);
  let asked = 0;
  const ask = async (op: "prepare" | "push", base = "") => {
    asked++;
    const { reply } = await (op === "prepare"
      ? attempt.prepare({ clone_url })
      : attempt.push(base, { clone_url }));
    return reply as Extract<TriageReply, { kind: "failed" }>;
  };
  const inner: Pick<Checkout, "prepare" | "push"> = {
    prepare: () => ask("prepare"),
    push: (_job, _paths, base) => ask("push", base),
  };
  const checkout = new PatientCheckout(inner as Checkout, fastClock(100));
  const none = { job: {} as JobSpec, paths: {} as AttemptPaths, signal: new AbortController().signal };
  return {
    asked: () => asked,
    prepare: () => checkout.prepare(none.job, none.paths, none.signal, () => {}),
    push: (base: string) => checkout.push(none.job, none.paths, base, none.signal, () => {}),
  };
}

test(
  "F30 a forge that answers 503 and 429 to git, while a run is prepared and while it pushes, is asked again",
  async () => {
    const answers = [503, 429];
    const { origin, stop } = door(answers);
    try {
      const attempt = await host.attempt(1);
      const git = patient(attempt, origin);
      const base = preparedBase({ reply: await git.prepare(), stderr: "" });
      const commit = await attempt.commit("a.txt", "a\n");
      expect(await attempt.exportHere(base)).toBe(0);
      answers.push(503, 503);
      expect(await git.push(base)).toMatchObject({ kind: "pushed", head_oid: commit });
      expect(await mustGit(host.broker, host.broker.repository, "rev-parse", attempt.run.ref)).toBe(commit);
      expect(answers).toEqual([]);
    } finally {
      await stop();
    }
  },
  TEST_MS_MAX,
);

test(
  "F30 one that refuses is asked once, and one that stays busy six times; the run says what it answered, and no credential",
  async () => {
    for (const [status, times, words] of [
      [404, 1, /not found/],
      [401, 1, /could not read Username|Authentication failed/],
      [503, 6, /error: 503[\s\S]*Tried 6 times/],
    ] as const) {
      const { origin, stop } = door(Array(20).fill(status));
      try {
        const attempt = await host.attempt(10 + status);
        const git = patient(attempt, origin);
        const reply = await git.prepare();
        expect(reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
        const said = reply.kind === "failed" ? reply.detail : "";
        expect(said).toMatch(words);
        expect(said).not.toContain(attempt.run.token);
        expect(said).not.toContain(btoa(`windshift:${attempt.run.token}`));
        expect(git.asked()).toBe(times);
      } finally {
        await stop();
      }
    }
  },
  TEST_MS_MAX,
);

import { afterEach, expect, test } from "bun:test";
import type { Clock } from "@windshift/base/clock.ts";
import { PREPARE_MS_MAX, PUSH_MS_MAX, TRANSCRIPT_BYTES_MAX } from "@windshift/contract/limits.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { type JobFixture, jobFixture } from "@windshift/testing/job-fixture.ts";
import { processesWith } from "@windshift/testing/process-probe.ts";
import type { PushReply } from "./checkout.ts";
import type { JobEnd } from "./job.ts";

const TEST_MS_MAX = 60_000;
const COMMIT = `
echo fixed > fixed; git add fixed
git -c user.name=a -c user.email=a@b commit -qm fix`;
const FINISH = `
echo '{"type":"finish","outcome":"completed","summary":"all done"}'
echo '{"type":"session_idle"}'`;
/** A good agent: reads its prompt, commits, says so, ends when its input ends. */
const GOOD = `read -r prompt\necho '{"type":"starting","model":"scripted"}'${COMMIT}${FINISH}\ncat > /dev/null`;

const open: JobFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) {
    expect(await fixture.leftovers()).toEqual([]);
    await fixture.dispose();
  }
});

async function fixtureOf(...args: Parameters<typeof jobFixture>): Promise<JobFixture> {
  const fixture = await jobFixture(...args);
  open.push(fixture);
  return fixture;
}
function resultOf(end: JobEnd) {
  if (end.kind !== "reported") throw new Error(`the job ended as ${end.kind}`);
  return end.result;
}
const check = (fact: string, body: () => Promise<void>) => test(fact, body, TEST_MS_MAX);

check("a good agent's commits reach the forge and its summary the server", async () => {
  const fixture = await fixtureOf(GOOD);
  const result = resultOf(await fixture.run());
  expect(result).toMatchObject({ outcome: "completed", summary: "all done", failure: null, exit_code: 0 });
  expect(result.isolation).toBe("unsandboxed");
  expect(result.head_oid).toBe(await fixture.checkout.headOf(fixture.job.repo.branch));
  expect(result.head_oid).not.toBe(result.base_oid);
  expect(fixture.server.results).toEqual([result]);
  expect(fixture.server.phases).toEqual(["preparing", "agent", "exporting", "pushing"]);
  expect(fixture.server.events.map((event) => event.seq)).toEqual(fixture.server.events.map((_, i) => i + 1));
});

check(
  "what commits change is reported; of a job that may not push as a patch, without its tokens",
  async () => {
    const changes = { files: [{ path: "fixed", status: "added" as const, added: 1, deleted: 0 }], more: 2 };
    const pushing = await fixtureOf(GOOD);
    const { push } = pushing.checkout;
    pushing.checkout.push = async (...args) =>
      ({ ...(await push.apply(pushing.checkout, args)), changes }) as PushReply;
    expect(resultOf(await pushing.run()).delivered).toEqual({ ...changes, patch: null });
    const testing = await fixtureOf(GOOD);
    testing.job.push = false;
    const text = `+${testing.job.tokens.git}\n`;
    const patch = { text, truncated: false };
    testing.checkout.push = async () => ({ kind: "patched", commits: 1, flattened: false, changes, patch });
    const result = resultOf(await testing.run());
    expect(result).toMatchObject({ failure: null, head_oid: null, delivered: changes });
    expect(result.delivered?.patch?.text).toStartWith("+wsrun_[redacted]");
    expect(testing.server.phases).toEqual(["preparing", "agent", "exporting"]);
  },
);

check(
  "F32 the work of a push that was not taken is kept as a patch, without its tokens, and the run says so",
  async () => {
    const fixture = await fixtureOf(GOOD);
    const file = { status: "added" as const, added: 1, deleted: 0 };
    const changes = { files: [{ path: `${fixture.job.tokens.agent}.txt`, ...file }], more: 0 };
    const patch = { text: `+${fixture.job.tokens.agent}\n`, truncated: false };
    const refused = { kind: "failed", reason: "push_rejected", detail: "pre-receive hook declined" } as const;
    fixture.checkout.push = async () => ({ ...refused, changes, patch });
    const result = resultOf(await fixture.run());
    expect(result).toMatchObject({ outcome: "completed", head_oid: null });
    expect(result.delivered).toMatchObject({ files: [{ path: "wsrun_[redacted].txt", ...file }], more: 0 });
    expect(result.failure?.reason).toBe("push_rejected");
    expect(result.failure?.detail).toMatch(/^pre-receive hook declined\n.*kept with the run, as a patch/);
    expect(result.delivered?.patch?.text).toStartWith("+wsrun_[redacted]");
    const without = await fixtureOf(GOOD);
    without.checkout.push = async () => refused;
    const bare = resultOf(await without.run());
    expect([bare.failure?.detail, bare.delivered]).toEqual(["pre-receive hook declined", undefined]);
  },
);

check(
  "F32 a push that was refused until its time was over leaves its patch, and the run says so",
  async () => {
    const begun = Promise.withResolvers<void>();
    const fixture = await fixtureOf(GOOD, { clock: clockUntil(begun.promise, PUSH_MS_MAX) });
    fixture.deps.checkout.push = async (_job, _paths, _base, signal) => {
      begun.resolve();
      await never(0, signal);
      const patch = { text: "+work\n", truncated: false };
      return { kind: "failed", reason: "push_rejected", detail: "busy", busy: true, patch };
    };
    const { failure, delivered } = resultOf(await fixture.run());
    expect(failure?.detail).toMatch(/^the push took longer than .*\n.*kept with the run, as a patch/);
    expect(delivered?.patch?.text).toBe("+work\n");
  },
);

check("the prompt and both tokens' names reach the agent, the git token does not", async () => {
  const fixture = await fixtureOf(
    `read -r line; printf '%s\\n' "$line"; test "$LLM_API_KEY" = "$WS_TOKEN" && echo same; env${FINISH}`,
  );
  const result = resultOf(await fixture.run());
  const printed = fixture.server.dataOf("stdout").flatMap((data) => String(data.text).split("\n"));
  expect(printed).toContain('{"type":"prompt","message":"make it so"}');
  expect(printed).toContain("same");
  const everything = JSON.stringify([fixture.server.events, result]);
  expect(everything).toContain("WS_TOKEN=wsrun_[redacted]");
  expect(everything).not.toContain(fixture.job.tokens.agent);
  expect(everything).not.toContain(fixture.job.tokens.git);
});

check("no commits means no push and no failure", async () => {
  const fixture = await fixtureOf(`read -r prompt${FINISH}`);
  expect(resultOf(await fixture.run())).toMatchObject({
    failure: null,
    outcome: "completed",
    head_oid: null,
  });
  expect(fixture.checkout.pushes).toBe(0);
});

check("F07 exit 0 without finish is no_finish, and what was committed is pushed all the same", async () => {
  const fixture = await fixtureOf(`read -r prompt${COMMIT}\nexit 0`);
  const result = resultOf(await fixture.run());
  expect(result.failure?.reason).toBe("no_finish");
  expect(result.head_oid).toBe(await fixture.checkout.headOf(fixture.job.repo.branch));
  expect(result.head_oid).not.toBeNull();
});

check("F07 a bad exit code is agent_failed and the end of stderr says why", async () => {
  const fixture = await fixtureOf(`read -r prompt; echo 'model said no' >&2; exit 3`);
  const result = resultOf(await fixture.run());
  expect(result).toMatchObject({ exit_code: 3, outcome: null });
  expect(result.failure?.reason).toBe("agent_failed");
  expect(result.failure?.detail).toContain("model said no");
  expect(fixture.server.dataOf("stderr")).toEqual([{ text: "model said no" }]);
});

check("an agent that cannot reach the server gets the answer of the troubleshooting guide", async () => {
  const fixture = await fixtureOf("exit 69");
  const { failure } = resultOf(await fixture.run());
  expect(failure?.reason).toBe("api_unreachable");
  expect(failure?.detail).toContain("CODING_AGENT_WS_API_URL");
  expect(failure?.detail).toContain("localhost");
});

check("SB-09 one line of 200 MB is dropped with a warning, in bounded memory", async () => {
  const fixture = await fixtureOf(`read -r prompt; head -c 200000000 /dev/zero | tr '\\0' x; echo${FINISH}`);
  const before = process.memoryUsage().rss;
  const result = resultOf(await fixture.run());
  expect(result.failure).toBeNull();
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1_048_576);
  const [warning] = fixture.server.dataOf("warning");
  expect(warning?.message).toContain("200000000 bytes");
});

check("SB-09 a flood of lines is cut once, with a warning, and the agent still finishes", async () => {
  const fixture = await fixtureOf(
    `read -r prompt; yes "$(head -c 4000 /dev/zero | tr '\\0' y)" | head -n 30000${FINISH}`,
  );
  const result = resultOf(await fixture.run());
  expect(result).toMatchObject({ failure: null, summary: "all done" });
  const bytes = fixture.server.events.reduce((sum, event) => sum + JSON.stringify(event.data).length, 0);
  expect(bytes).toBeLessThan(TRANSCRIPT_BYTES_MAX + 1_048_576);
  expect(fixture.server.dataOf("warning").map((data) => String(data.message))).toEqual([
    expect.stringContaining("the transcript ends here"),
  ]);
});

check("SB-09 millions of short lines become few events in seconds, and none is lost", async () => {
  const lines = 2_000_000;
  const fixture = await fixtureOf(`read -r prompt; yes 'noise, noise, noise' | head -n ${lines}${FINISH}`);
  const cpu = process.cpuUsage();
  const result = resultOf(await fixture.run());
  expect(result).toMatchObject({ failure: null, summary: "all done" });
  const texts = fixture.server.dataOf("stdout").map((data) => String(data.text));
  expect(texts.reduce((sum, text) => sum + text.split("\n").length, 0)).toBe(lines);
  expect(texts.length).toBeLessThan(2_000);
  // An event a line cost 30 s; this leaves a busy machine room.
  expect(process.cpuUsage(cpu).user / 1e6).toBeLessThan(10);
});

check("F07 an agent that says itself that it ended without finish is no_finish", async () => {
  const fixture = await fixtureOf(
    `read -r prompt; echo '{"type":"error","message":"the model stopped","code":"no_finish"}'; exit 1`,
  );
  expect(resultOf(await fixture.run()).failure).toMatchObject({
    reason: "no_finish",
    detail: expect.stringContaining("the model stopped"),
  });
});

check("SB-09 binary output becomes text that any database takes", async () => {
  const fixture = await fixtureOf(
    `read -r prompt; printf 'a\\000b\\377\\n{"type":"content","text":"\\\\ud800\\\\u0000"}\\n'${FINISH}`,
  );
  resultOf(await fixture.run());
  expect(fixture.server.dataOf("stdout")).toEqual([{ text: "a\u2400b\ufffd" }]);
  expect(fixture.server.dataOf("content")).toEqual([{ text: "\ufffd\u2400" }]);
});

/** A clock on which the wall clock of a run is over when something has come about, however long the machine takes for it. */
function overOnce(isSo: () => boolean): Clock {
  const fast = fastClock(100);
  const sleep = async (ms: number, signal?: AbortSignal) => {
    // Nothing else of a job waits for so long.
    if (ms > PUSH_MS_MAX) await eventually("the wall clock is over", isSo, TEST_MS_MAX);
    else await fast.sleep(ms, signal);
  };
  return { nowMs: fast.nowMs, sleep };
}

check("SB-26 an agent that hangs is ended at its wall clock and its commits are kept", async () => {
  const mark = "hangs-for-ever";
  const fixture = await fixtureOf(
    `read -r prompt${COMMIT}\nsh -c ': ${mark}; trap "" TERM; while :; do sleep 1; done'`,
    { clock: overOnce(() => processesWith(mark).length > 0) },
  );
  const result = resultOf(await fixture.run());
  expect(result.failure?.reason).toBe("timed_out");
  expect(result.head_oid).not.toBeNull();
  expect(processesWith(mark)).toEqual([]);
});

check("a cancel lets the agent end by itself, and nothing is pushed", async () => {
  const fixture = await fixtureOf(`
read -r prompt${COMMIT}
echo '{"type":"content","text":"working"}'
read -r line; printf 'got %s\\n' "$line"${FINISH}`);
  const running = fixture.run();
  await eventually("the agent says something", () => fixture.server.dataOf("content").length > 0);
  fixture.server.notify({ kind: "cancel", force: false });
  const result = resultOf(await running);
  expect(result.failure?.reason).toBe("canceled");
  expect(fixture.server.dataOf("stdout")).toEqual([{ text: 'got {"type":"abort"}' }]);
  expect(fixture.checkout.pushes).toBe(0);
  expect(fixture.server.phases).not.toContain("exporting");
});

check("an agent that ignores the cancel is killed after its grace", async () => {
  const fixture = await fixtureOf(
    `read -r prompt; echo '{"type":"content","text":"deaf"}'; while :; do sleep 1; done`,
  );
  const running = fixture.run();
  await eventually("the agent says something", () => fixture.server.dataOf("content").length > 0);
  fixture.server.notify({ kind: "cancel", force: false });
  expect(resultOf(await running)).toMatchObject({ failure: { reason: "canceled" }, exit_code: null });
});

check("a forced cancel kills without grace", async () => {
  // On a clock that stands still a grace would never be over.
  const still = { nowMs: () => Date.now(), sleep: never };
  const fixture = await fixtureOf(`read -r prompt; echo up >&2; while :; do sleep 1; done`, { clock: still });
  const running = fixture.run();
  await eventually("the agent is started", () => fixture.server.phases.includes("agent"));
  fixture.server.notify({ kind: "cancel", force: true });
  expect(resultOf(await running).failure?.reason).toBe("canceled");
});

check("a cancel while the repository is fetched ends the job before the agent starts", async () => {
  const fixture = await fixtureOf(GOOD);
  fixture.deps.checkout.prepare = async (_job, _paths, signal) => {
    fixture.server.notify({ kind: "cancel", force: false });
    await eventually("the fetch is ended", () => signal.aborted);
    return { kind: "failed", reason: "prepare_failed", detail: "ended" };
  };
  expect(resultOf(await fixture.run()).failure?.reason).toBe("canceled");
  expect(fixture.server.phases).toEqual(["preparing"]);
});

/** Stands in for an image that takes for ever to pull; obeys its signal as the real one does. */
function pullForEver(fixture: JobFixture): void {
  fixture.deps.sandbox.create = async (_spec, options) => {
    await never(0, options?.signal);
    return { kind: "not_started", reason: "image", detail: "the pull was ended" };
  };
}
/** A clock on which the time for preparing, or another, is over as soon as `over` resolves. */
function clockUntil(over: Promise<void>, msMax = PREPARE_MS_MAX): Clock {
  const fast = fastClock(100);
  return { ...fast, sleep: (ms, signal) => (ms === msMax ? over : fast.sleep(ms, signal)) };
}

check("F30 a repository that cannot be fetched ends the pull of the image, and is the reason", async () => {
  const fixture = await fixtureOf(GOOD, { clock: clockUntil(new Promise(() => undefined)) });
  pullForEver(fixture);
  fixture.deps.checkout.prepare = async () => ({
    kind: "failed",
    reason: "prepare_failed",
    detail: "the repository has no branch main",
  });
  expect(resultOf(await fixture.run()).failure).toMatchObject({
    reason: "prepare_failed",
    detail: "the repository has no branch main",
  });
});

check("an unforeseen error of the fetch ends the pull of the image", async () => {
  const fixture = await fixtureOf(GOOD, { clock: clockUntil(new Promise(() => undefined)) });
  pullForEver(fixture);
  fixture.deps.checkout.prepare = () => Promise.reject(new Error("unforeseen"));
  expect(resultOf(await fixture.run()).failure?.reason).toBe("internal");
});

check("an image that is not pulled in time is the reason, not the repository that was", async () => {
  const prepared = Promise.withResolvers<void>();
  const fixture = await fixtureOf(GOOD, { clock: clockUntil(prepared.promise) });
  pullForEver(fixture);
  const { checkout } = fixture.deps;
  const prepare = checkout.prepare.bind(checkout);
  checkout.prepare = async (...args) => {
    const reply = await prepare(...args);
    prepared.resolve();
    return reply;
  };
  const { failure } = resultOf(await fixture.run());
  expect(failure?.reason).toBe("image");
  expect(failure?.detail).toStartWith("the container was not ready within 10m: the pull was ended");
});

check(
  "F30 a repository too large to be fetched in time is the reason when the container stands ready",
  async () => {
    const fixture = await fixtureOf(GOOD, { clock: clockUntil(Promise.resolve()) });
    fixture.deps.checkout.prepare = async (_job, _paths, signal) => {
      await never(0, signal);
      return { kind: "failed", reason: "prepare_failed", detail: "ended" };
    };
    const { failure } = resultOf(await fixture.run());
    expect(failure?.reason).toBe("prepare_failed");
    expect(failure?.detail).toBe("the repository was not ready within 10m");
  },
);

check("a lease lost while the agent works kills it; nothing is reported or pushed", async () => {
  const mark = "lost-lease";
  const fixture = await fixtureOf(`read -r prompt; sh -c ': ${mark}; while :; do sleep 0.05; done'`);
  const running = fixture.run();
  await eventually("the agent works", () => processesWith(mark).length > 0);
  fixture.server.leaseLost = true;
  expect(await running).toEqual({ kind: "lease_lost" });
  expect(processesWith(mark)).toEqual([]);
  expect([fixture.server.reports, fixture.checkout.pushes]).toEqual([0, 0]);
});

check("an interrupted job is killed and not reported, so its run is queued again", async () => {
  const mark = "interrupted-job";
  const fixture = await fixtureOf(`read -r prompt; sh -c ': ${mark}; while :; do sleep 0.05; done'`);
  const cancel = new AbortController();
  const running = fixture.run(cancel.signal);
  await eventually("the agent works", () => processesWith(mark).length > 0);
  cancel.abort();
  expect(await running).toEqual({ kind: "interrupted" });
  expect(processesWith(mark)).toEqual([]);
  expect(fixture.server.reports).toBe(0);
});

check("a message reaches the working agent and its receipt reaches the server", async () => {
  const fixture = await fixtureOf(`
read -r prompt; echo '{"type":"starting"}'
read -r line; printf '%s\\n' "$line" >&2
echo '{"type":"received","id":"m1"}'${FINISH}`);
  const running = fixture.run();
  await eventually("the agent says that it starts", () =>
    fixture.server.dataOf("lifecycle").some((data) => data.note === "starting"),
  );
  fixture.server.notify({ kind: "message", id: "m1", text: "use tabs" });
  resultOf(await running);
  expect(fixture.server.dataOf("stderr")).toEqual([
    { text: '{"type":"message","id":"m1","text":"use tabs"}' },
  ]);
  expect(fixture.server.dataOf("lifecycle")).toContainEqual({ note: "received", id: "m1" });
});

check("a message that comes before the agent listens waits for it", async () => {
  const fixture = await fixtureOf(`read -r prompt; read -r line; printf '%s\\n' "$line" >&2${FINISH}`);
  fixture.server.notify({ kind: "message", id: "m1", text: "early" });
  resultOf(await fixture.run());
  expect(fixture.server.dataOf("stderr")[0]?.text).toContain("early");
});

check("a server that is away for a while costs no event, no order and no result", async () => {
  const numbers = Array.from({ length: 300 }, (_, i) => i + 1);
  const fixture = await fixtureOf(
    `read -r prompt; for i in $(seq 300); do printf '{"type":"message","role":"agent","text":"%s"}\\n' $i; done${FINISH}`,
  );
  fixture.server.failing = { renew: 2, append: 4, report: 3 };
  fixture.server.unanswered = 2;
  const result = resultOf(await fixture.run());
  expect(fixture.server.dataOf("message").map((data) => Number(data.text))).toEqual(numbers);
  expect(fixture.server.events.map((event) => event.seq)).toEqual(fixture.server.events.map((_, i) => i + 1));
  expect([fixture.server.results.length, fixture.server.reports]).toEqual([1, 4]);
  expect(result.failure).toBeNull();
});

check("a result nobody takes is handed to the caller", async () => {
  const fixture = await fixtureOf(GOOD);
  fixture.server.failing.report = 1_000_000;
  const end = await fixture.run();
  expect(end).toMatchObject({ kind: "undelivered", result: { outcome: "completed", failure: null } });
});

check(
  "SB-23 SB-24 an image the runner does not allow is refused, and so is one that it allows by another name",
  async () => {
    const fixture = await fixtureOf(GOOD);
    const digest = (letter: string) => `acme/agent@sha256:${letter.repeat(64)}`;
    fixture.deps.settings.allowedImages = [digest("a")];
    for (const image of ["evil/image:latest", "acme/agent:1", "acme/agent", digest("b")]) {
      fixture.job.image = image;
      const { failure } = resultOf(await fixture.run());
      expect(failure?.reason).toBe("image");
      expect(failure?.detail).toContain(`asks for the image ${image}, which this runner does not allow`);
      expect(failure?.detail).toContain("WSRUNNER_ALLOWED_IMAGES");
    }
    fixture.job.image = digest("a");
    expect(resultOf(await fixture.run()).failure).toBeNull();
  },
);

check("an agent that stays after session_idle is tidied away and counts as finished", async () => {
  const fixture = await fixtureOf(`read -r prompt${COMMIT}${FINISH}\nwhile :; do sleep 1; done`);
  const result = resultOf(await fixture.run());
  expect(result).toMatchObject({ failure: null, outcome: "completed", exit_code: null });
  expect(result.head_oid).not.toBeNull();
});

check("an unforeseen error is reported as internal and its text stays in the log", async () => {
  const fixture = await fixtureOf(GOOD);
  fixture.deps.checkout.prepare = () => Promise.reject(new Error("secret internals"));
  const result = resultOf(await fixture.run());
  expect(result.failure?.reason).toBe("internal");
  expect(JSON.stringify(result)).not.toContain("secret internals");
  expect(fixture.log.join()).toContain("secret internals");
});

/** Waits only for the signal. */
function never(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

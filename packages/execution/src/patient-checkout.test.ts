import { expect, test } from "bun:test";
import { fastClock } from "@windshift/testing/fast-clock.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import type { Checkout, PrepareReply, PushReply } from "./checkout.ts";
import { PatientCheckout } from "./patient-checkout.ts";

const WORKS = `read -r prompt
echo x > x; git add x; git -c user.name=a -c user.email=a@b commit -q -m work
echo '{"type":"finish","outcome":"completed","summary":"done"}'; echo '{"type":"session_idle"}'`;
type Failed = Extract<PrepareReply, { kind: "failed" }>;
const away: Failed = { kind: "failed", reason: "prepare_failed", detail: "no connection", unreachable: true };
const busy: Failed = { kind: "failed", reason: "prepare_failed", detail: "returned error: 503", busy: true };
const refused: Failed = { kind: "failed", reason: "push_rejected", detail: "refused" };

/** Gives the first replies itself, then does what the inner checkout does. */
function failing(inner: Checkout, replies: { prepare?: Failed[]; push?: Failed[] }): Checkout {
  return {
    open: (job) => inner.open(job),
    close: (paths) => inner.close(paths),
    prepare: async (...args) => replies.prepare?.shift() ?? inner.prepare(...args),
    push: async (...args): Promise<PushReply> => replies.push?.shift() ?? inner.push(...args),
  };
}

async function endWith(replies: { prepare?: Failed[]; push?: Failed[] }) {
  const fixture = await jobFixture(WORKS);
  try {
    const checkout = new PatientCheckout(failing(fixture.checkout, replies), fastClock(100));
    fixture.deps.checkout = checkout;
    const end = await fixture.run();
    return { end, pushes: fixture.checkout.pushes, left: replies };
  } finally {
    await fixture.dispose();
  }
}

test("a server that is away while a run is prepared and while it pushes costs the run nothing", async () => {
  const { end, pushes, left } = await endWith({ prepare: [away, away], push: [away, away, away] });
  expect(end).toMatchObject({ kind: "reported", result: { outcome: "completed", failure: null } });
  expect({ pushes, left }).toEqual({ pushes: 1, left: { prepare: [], push: [] } });
});

test("a forge that answers 503 twice, to the fetch and to the push, costs the run nothing", async () => {
  const { end, pushes, left } = await endWith({ prepare: [busy, away, busy], push: [busy, busy] });
  expect(end).toMatchObject({ kind: "reported", result: { outcome: "completed", failure: null } });
  expect({ pushes, left }).toEqual({ pushes: 1, left: { prepare: [], push: [] } });
});

test("one that stays busy is asked six times, and the run says what it answered", async () => {
  const { end, left } = await endWith({ prepare: Array(8).fill(busy) });
  expect(end).toMatchObject({ kind: "reported", result: { failure: { reason: "prepare_failed" } } });
  const detail = end.kind === "reported" ? end.result.failure?.detail : undefined;
  expect(detail).toBe("returned error: 503\nTried 6 times.");
  expect(left.prepare).toHaveLength(2);
});

test("a push that was answered with a refusal is not tried again", async () => {
  const { end, pushes, left } = await endWith({ push: [refused, away] });
  expect(end).toMatchObject({ kind: "reported", result: { failure: { reason: "push_rejected" } } });
  expect({ pushes, left: left.push }).toEqual({ pushes: 0, left: [away] });
});

test("a job that is to end waits for nobody", async () => {
  const stop = new AbortController();
  const always: Pick<Checkout, "prepare"> = { prepare: async () => away };
  const fixture = await jobFixture(WORKS);
  const inner = failing(fixture.checkout, {});
  const patient = new PatientCheckout({ ...inner, ...always }, fastClock(1));
  const paths = await patient.open(fixture.job);
  if ("kind" in paths) throw new Error(paths.detail);
  const reply = await patient.prepare(fixture.job, paths, stop.signal, () => stop.abort());
  expect(reply).toEqual(away);
  await fixture.dispose();
});

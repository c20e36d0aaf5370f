import { systemClock } from "@windshift/base/clock.ts";
import { Attempt, RunId } from "@windshift/contract/ids.ts";
import { DiskAttemptSpools } from "../disk-attempt-spools.ts";
import { EventOutbox } from "../event-outbox.ts";
import { httpPlane, SPOOLED_RESULT } from "../spool-fixture.ts";

/**
 * A runner that is killed: `root url boot count textBytes`. Adds `count` events to a spool on disk and delivers them over
 * HTTP, keeps a result, says so, and goes on until somebody ends it.
 */
const [root = "", url = "", boot = "", count = "0", textBytes = "0"] = process.argv.slice(2);
const say = (message: string) => process.stdout.write(`${message}\n`);
const log = { info: say, warn: () => undefined, error: say };
const run = { run_id: RunId.parse(7), attempt: Attempt.parse(1) };
const spool = await new DiskAttemptSpools({ root, boot, clock: systemClock, log }).open(run);
const plane = httpPlane(url, boot);
const outbox = new EventOutbox({
  spool: spool.events,
  append: (events) => plane.append(run, events),
  clock: systemClock,
  log,
  onLeaseLost: () => undefined,
});
say("opened");
for (let i = 1; i <= Number(count); i++) {
  const text = `${i} ${"x".repeat((i * 7919) % (Number(textBytes) + 1))}`;
  await outbox.add(i % 3 === 0 ? "stdout" : "content", { text }, i % 17 === 0);
  if (i % 10 === 0) await Bun.sleep(1);
}
say("added");
await spool.keepResult(SPOOLED_RESULT);
say("kept");
await outbox.flush();
say("flushed");
await new Promise(() => setInterval(() => undefined, 60_000));

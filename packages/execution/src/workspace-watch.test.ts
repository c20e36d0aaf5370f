import { afterEach, expect, test } from "bun:test";
import { type JobFixture, jobFixture } from "@windshift/testing/job-fixture.ts";
import type { DiskUse } from "./disk-use.ts";
import { HurriedLooks } from "./hurried-looks.ts";
import type { JobEnd } from "./job.ts";
import { WORKSPACE_BYTES_LEAST, watchWorkspace } from "./workspace-watch.ts";

const COMMIT = `read -r prompt
echo fixed > fixed; git add fixed
git -c user.name=a -c user.email=a@b commit -qm fix`;
/** Grows its folder past the limit, where git does not look, and then never ends by itself. */
const GLUTTON = `${COMMIT}
mkdir -p .git/hidden
head -c ${2 * WORKSPACE_BYTES_LEAST} /dev/zero | tr '\\0' x > .git/hidden/large
trap '' TERM; while :; do sleep 1; done`;
/** Makes files without end, none of which takes room. */
const MAKER = `${COMMIT}
mkdir -p .git/hidden; n=0
while :; do n=$((n+1)); : > ".git/hidden/$n"; [ $((n % 4000)) -ne 0 ] || sleep 1; done`;
const SPARSE = `${COMMIT}
truncate -s 100G large
echo '{"type":"finish","outcome":"completed","summary":"done"}'
echo '{"type":"session_idle"}'
cat > /dev/null`;

/** More than git has in an empty repository. */
const FILES_MAX = 3_000;

const open: JobFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) {
    expect(await fixture.leftovers()).toEqual([]);
    await fixture.dispose();
  }
});

async function runBounded(agent: string) {
  const fixture = await jobFixture(agent);
  open.push(fixture);
  fixture.deps.settings.workspaceBytesMax = WORKSPACE_BYTES_LEAST;
  fixture.deps.settings.workspaceFilesMax = FILES_MAX;
  return resultOf(await fixture.run());
}
function resultOf(end: JobEnd) {
  if (end.kind !== "reported") throw new Error(`the job ended as ${end.kind}`);
  return end.result;
}

test("SB-08 a checkout that grows past its limit ends the run, which says so and keeps its commits", async () => {
  const { failure, head_oid, base_oid } = await runBounded(GLUTTON);
  expect(failure?.reason).toBe("disk");
  expect(failure?.detail).toMatch(/took \d[\d.]*m on the disk and may take 16m.*WSRUNNER_WORKSPACE_SIZE/);
  expect(head_oid).not.toBe(base_oid);
  expect(head_oid).not.toBeNull();
}, 60_000);

test("SB-08 a file that is long and takes no room on the disk ends nothing", async () => {
  expect(await runBounded(SPARSE)).toMatchObject({ failure: null, outcome: "completed" });
}, 60_000);

test("SB-08 a run that makes files without end is ended with the sentence, and the run beside it goes on to its own end", async () => {
  const [maker, peer] = await Promise.all([runBounded(MAKER), runBounded(SPARSE)]);
  expect(maker.failure?.reason).toBe("disk");
  expect(maker.failure?.detail).toMatch(
    /had made \d+ files and folders and may have 3000.*limit is fixed.*in parts/,
  );
  expect(maker.head_oid).not.toBe(maker.base_oid);
  expect(peer).toMatchObject({ failure: null, outcome: "completed" });
}, 60_000);

/** Watches a folder of which each look says the next of `answers`, without waiting in between. @returns its end, and the looks taken */
async function watched(answers: readonly (DiskUse | Error)[]) {
  const over = new AbortController();
  let looks = 0;
  const diskUse = async (): Promise<DiskUse> => {
    const answer = answers[looks++];
    if (answer instanceof Error) throw answer;
    if (answer === undefined) over.abort();
    return answer ?? { kind: "unknown" };
  };
  const silent = () => undefined;
  const end = await watchWorkspace(
    {
      dir: "/",
      bytesMax: 10,
      filesMax: 10,
      sandbox: { diskUse },
      hurried: new HurriedLooks(),
      clock: { nowMs: () => 0, sleep: async () => {} },
      log: { info: silent, warn: silent, error: silent },
    },
    over.signal,
  );
  return { end, looks };
}

const COUNTED: DiskUse = { kind: "counted", bytes: 1, files: 1, partial: false };
const UNKNOWN: DiskUse = { kind: "unknown" };

test("SB-08 files that cannot be counted in time end a run after the second look in a row, and no other failed look does", async () => {
  const { end, looks } = await watched([UNKNOWN, UNKNOWN, COUNTED]);
  expect(end?.reason).toBe("disk");
  expect(end?.detail).toMatch(/could not be counted within 2m, 2 times in a row, so it was ended/);
  expect(looks).toBe(2);
  expect(await watched([UNKNOWN, COUNTED, UNKNOWN, COUNTED])).toEqual({ end: undefined, looks: 5 });
  const refused = new Error("the engine is being restarted");
  expect(await watched([refused, refused, refused])).toEqual({ end: undefined, looks: 4 });
});

test("two runs of a host at once may look before their time", () => {
  const looks = new HurriedLooks();
  const ends = [looks.tryTake(), looks.tryTake()];
  expect(looks.tryTake()).toBeUndefined();
  ends[0]?.();
  expect(looks.tryTake()).toBeFunction();
  expect(looks.tryTake()).toBeUndefined();
});

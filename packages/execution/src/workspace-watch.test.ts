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

const GIB = 1_073_741_824;

/** Watches a checkout of that size beside others on one disk, without waiting in between. */
function watchOn(
  disk: { leftBytes: number; leftFiles?: number; hurried: HurriedLooks },
  [dir, bytes, files]: [string, number, number],
  signal: AbortSignal,
) {
  const silent = () => undefined;
  return watchWorkspace(
    {
      dir,
      bytesMax: 100 * GIB,
      filesMax: 1_000_000,
      sandbox: { diskUse: async () => ({ kind: "counted", bytes, files, partial: false }) },
      hurried: disk.hurried,
      // A breath for the others, as a look is one too.
      clock: { nowMs: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
      log: { info: silent, warn: silent, error: silent },
      roomOn: async () => ({
        bytes: disk.leftBytes,
        files: disk.leftFiles ?? 1_000_000,
        bytesFloor: GIB,
        filesFloor: 100_000,
      }),
    },
    signal,
  );
}

test("SB-08 on a disk that is nearly full the run that takes the most is ended, far below its own limit, and no other", async () => {
  for (const [short, words] of [
    [{ leftBytes: GIB / 2 }, /had 512m left, and of the runs on it this one took the most, 3g; it was ended/],
    [{ leftBytes: 9 * GIB, leftFiles: 50 }, /had room for 50 files left.* took the most, 200000 files/],
  ] as const) {
    const over = new AbortController();
    const disk = { leftFiles: 1_000_000, ...short, hurried: new HurriedLooks() };
    const peers = (["/a", "/b", "/c"] as const).map((dir) =>
      watchOn(disk, [dir, 2 * GIB, 150_000], over.signal),
    );
    const glutton = await watchOn(disk, ["/glutton", 3 * GIB, 200_000], over.signal);
    Object.assign(disk, { leftBytes: 50 * GIB, leftFiles: 1_000_000 });
    expect(glutton?.reason).toBe("disk");
    expect(glutton?.detail).toMatch(words);
    over.abort();
    expect(await Promise.all(peers)).toEqual([undefined, undefined, undefined]);
  }
});

test("SB-08 on a disk that something else has filled no run is ended", async () => {
  const over = new AbortController();
  const disk = { leftBytes: 0, leftFiles: 0, hurried: new HurriedLooks() };
  const runs = ["/a", "/b"].map((dir) => watchOn(disk, [dir, GIB - 1, 99_999], over.signal));
  const looks = async () => {
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    return "nobody";
  };
  expect(await Promise.race([...runs, looks()])).toBe("nobody");
  over.abort();
  expect(await Promise.all(runs)).toEqual([undefined, undefined]);
});

test("two runs of a host at once may look before their time", () => {
  const looks = new HurriedLooks();
  const ends = [looks.tryTake(), looks.tryTake()];
  expect(looks.tryTake()).toBeUndefined();
  ends[0]?.();
  expect(looks.tryTake()).toBeFunction();
  expect(looks.tryTake()).toBeUndefined();
});

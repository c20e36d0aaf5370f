import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { readMemory } from "./memory-reading.ts";

const MIB = 1_048_576;

/** What a kernel with these files says to a process that holds 100 MiB, on a machine of 8 GiB. */
function readingOf(files: Record<string, string>) {
  using dir = tempDir();
  for (const [path, text] of Object.entries(files)) {
    const file = join(dir.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return readMemory({ root: dir.path, residentBytes: () => 100 * MIB, machineBytes: 8_192 * MIB });
}

const V1 = (limit: string, rss: number) =>
  `cache 900000000\nrss 1\nhierarchical_memory_limit ${limit}\ntotal_cache 900000000\ntotal_rss ${rss}\n`;
const V2 = (anon: number) => `anon ${anon}\nfile 900000000\nanon_thp 5\n`;

test("without a limit of its own a process has the machine's", () => {
  const machine = { usedBytes: 100 * MIB, limitBytes: 8_192 * MIB, of: "machine" as const };
  expect(readingOf({})).toEqual(machine);
  expect(readingOf({ "proc/self/cgroup": "0::/\n" })).toEqual(machine);
  expect(
    readingOf({
      "proc/self/cgroup": "0::/a\n",
      "sys/fs/cgroup/a/memory.max": "max\n",
      "sys/fs/cgroup/a/memory.stat": V2(1),
    }),
  ).toEqual(machine);
  // As version 1 writes that there is none.
  expect(
    readingOf({
      "proc/self/cgroup": "4:memory:/\n0::/\n",
      "sys/fs/cgroup/memory/memory.stat": V1("9223372036854771712", 1),
    }),
  ).toEqual(machine);
});

test("version 2: of the limits on the way up the one counts that is used most, with what all of that group take", () => {
  expect(
    readingOf({
      "proc/self/cgroup": "0::/kube/pod/one\n",
      "sys/fs/cgroup/kube/memory.max": "max\n",
      "sys/fs/cgroup/kube/memory.stat": V2(7),
      "sys/fs/cgroup/kube/pod/memory.max": `${512 * MIB}\n`,
      "sys/fs/cgroup/kube/pod/memory.stat": V2(300 * MIB),
      "sys/fs/cgroup/kube/pod/one/memory.max": `${1_024 * MIB}\n`,
      "sys/fs/cgroup/kube/pod/one/memory.stat": V2(90 * MIB),
    }),
  ).toEqual({ usedBytes: 300 * MIB, limitBytes: 512 * MIB, of: "cgroup" });
});

test("version 2: a group that others fill ends this process, however small its own is", () => {
  const read = (podMib: number, oneMib: number) =>
    readingOf({
      "proc/self/cgroup": "0::/pod/one\n",
      "sys/fs/cgroup/pod/memory.max": `${1_024 * MIB}\n`,
      "sys/fs/cgroup/pod/memory.stat": V2(podMib * MIB),
      "sys/fs/cgroup/pod/one/memory.max": `${512 * MIB}\n`,
      "sys/fs/cgroup/pod/one/memory.stat": V2(oneMib * MIB),
    });
  expect(read(1_000, 110)).toEqual({ usedBytes: 1_000 * MIB, limitBytes: 1_024 * MIB, of: "cgroup" });
  expect(read(600, 500)).toEqual({ usedBytes: 500 * MIB, limitBytes: 512 * MIB, of: "cgroup" });
});

test("version 2 in a container, whose group is the top of what it sees", () => {
  for (const path of ["/", "/../../other"])
    expect(
      readingOf({
        "proc/self/cgroup": `0::${path}\n`,
        "sys/fs/cgroup/memory.max": `${256 * MIB}\n`,
        "sys/fs/cgroup/memory.stat": V2(20 * MIB),
      }),
    ).toEqual({ usedBytes: 100 * MIB, limitBytes: 256 * MIB, of: "cgroup" });
});

test("version 1: at its path, or at the top in a container", () => {
  for (const at of ["docker/abc", ""])
    expect(
      readingOf({
        "proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n",
        [join("sys/fs/cgroup/memory", at, "memory.stat")]: V1(String(256 * MIB), 230 * MIB),
      }),
    ).toEqual({ usedBytes: 230 * MIB, limitBytes: 256 * MIB, of: "cgroup" });
});

test("of this very process it is some memory within some limit", () => {
  const { usedBytes, limitBytes } = readMemory();
  expect(usedBytes).toBeGreaterThan(10 * MIB);
  expect(limitBytes).toBeGreaterThan(usedBytes);
});

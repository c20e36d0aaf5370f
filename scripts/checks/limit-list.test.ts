import { describe, expect, test } from "bun:test";
import { findLimits } from "./limit-list.ts";

describe("finding limits in a source file", () => {
  test("gives value, unit and reason, a comment standing for the constants right below it", () => {
    const source = `import { LEASE_MS } from "./limits.ts";

/** How long to wait, ms:
 *  not longer. */
export const WAIT_MS = 90_000;
export const WAIT_MS_MAX = 2 * WAIT_MS + LEASE_MS;

// 2 GiB
const BODY_BYTES_MAX = 2 * 1024 ** 3;

const TRIES_MAX = 3;
`;
    expect(findLimits(source, new Map([["LEASE_MS", 5]]))).toEqual([
      { name: "WAIT_MS", value: 90_000, unit: "ms", reason: "How long to wait, ms: not longer." },
      { name: "WAIT_MS_MAX", value: 180_005, unit: "ms", reason: "How long to wait, ms: not longer." },
      { name: "BODY_BYTES_MAX", value: 2_147_483_648, unit: "bytes", reason: "2 GiB" },
      { name: "TRIES_MAX", value: 3, unit: "", reason: "" },
    ]);
  });

  test("leaves out what is no number, no limit or no constant of the module", () => {
    const source = `/** A rate. */
const TOKENS_PER_BYTE = 0.28;
const NAME_MAX = "text";
const STATUS = 499;
const WORDS_MAX = new Set([1]);
function f() {
  const INNER_MAX = 3;
  return INNER_MAX;
}
`;
    expect(findLimits(source)).toEqual([]);
  });
});

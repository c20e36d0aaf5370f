import { expect, test } from "bun:test";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import { FINDING_PATH_CHARS_MAX, FINDINGS_MAX, FindingList } from "./finding-list.ts";
import { decide } from "./pack-verdict.ts";

const POLICY = PushPolicy.parse({ protected_files: "flag", secrets: "flag" });

test("of very many findings some are named and the rest is counted", () => {
  const list = new FindingList();
  for (let i = 0; i < 5_000; i++)
    list.add({ kind: "ci_file", path: `${i}/${"n".repeat(900)}`, what: "added" });
  list.add({ kind: "secret", path: "a", what: "line 1" });
  list.add({ kind: "secret", path: "a", what: "line 2" });
  const all = list.all();
  expect(all.filter(({ kind }) => kind === "ci_file")).toHaveLength(FINDINGS_MAX + 1);
  expect(all[FINDINGS_MAX]).toMatchObject({ more: 5_000 - FINDINGS_MAX });
  expect(all.filter(({ kind }) => kind === "secret").map(({ what }) => what)).toEqual(["line 1", "line 2"]);
  expect(Math.max(...all.map(({ path }) => path.length))).toBe(FINDING_PATH_CHARS_MAX);
  const verdict = decide(all, POLICY);
  expect(verdict.kind === "refused" && verdict.why).toEndWith("and 4980 more like these");
});

test("the same path counts once as long as it is named", () => {
  const list = new FindingList();
  for (const what of ["added", "removed"]) list.add({ kind: "ci_file", path: "ci.yml", what });
  expect(list.all()).toEqual([{ kind: "ci_file", path: "ci.yml", what: "removed" }]);
});

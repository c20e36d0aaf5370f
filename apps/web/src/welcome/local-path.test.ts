import { expect, test } from "bun:test";
import { localPath } from "./local-path.ts";

test("WB-08 the way back is a path of this site, and no address of another however it is written", () => {
  for (const own of ["/", "/w/DEMO?status=todo&q=a%2Fb#top", "/items/DEMO-1/runs/2", "/cli/BCDF-GHJK"])
    expect(localPath(own)).toBe(own);
  for (const other of [
    "//evil.test/",
    "/\\evil.test/",
    "/\t/evil.test/",
    "/\n/evil.test/",
    "/\r\n\t/evil.test/",
    "/.//evil.test/",
    "/a/..//evil.test/",
    "/\t\\evil.test/",
    "https://evil.test/",
    "javascript:alert(1)",
    "evil.test",
    "",
  ])
    expect([other, localPath(other)]).toEqual([other, "/"]);
  for (const odd of [undefined, ["/a", "/b"]]) expect(localPath(odd)).toBe("/");
});

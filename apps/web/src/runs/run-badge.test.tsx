import { expect, test } from "bun:test";
import { renderToStaticMarkup } from "react-dom/server";
import { IsolationBadge } from "./run-badge.tsx";

test("SO-04 a run without a sandbox is called unsafe where people see it, and no other run is", () => {
  const shown = (isolation: string | null) =>
    renderToStaticMarkup(<IsolationBadge isolation={isolation} />).replace(/<[^>]*>/g, "");
  expect(shown("unsandboxed")).toBe("Unsafe: not sandboxed");
  expect([shown("container"), shown(null)]).toEqual(["", ""]);
});

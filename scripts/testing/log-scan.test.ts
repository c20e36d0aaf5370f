import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { redact } from "@windshift/base/redact.ts";
import { TOKEN_PREFIX, type TokenKind } from "@windshift/contract/token-prefix.ts";
import { createToken } from "@windshift/contract/tokens.ts";
import { keepLog, LOG_DIR } from "@windshift/testing/kept-log.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { holdsToken, scanLogs, scanTally } from "./log-scan.ts";

const KINDS = Object.keys(TOKEN_PREFIX) as TokenKind[];

test("RT-16 every kind of token is found, as it is and encoded, and none once it is redacted", () => {
  for (const kind of KINDS) {
    const token = createToken(kind);
    for (const before of ["", "x", "xy", "run:"]) {
      const bytes = Buffer.from(before + token);
      for (const form of ["utf8", "base64", "base64url", "hex"] as const)
        expect([kind, form, before, holdsToken(`said ${bytes.toString(form)} twice`)]).toEqual([
          kind,
          form,
          before,
          true,
        ]);
    }
    expect(holdsToken(encodeURIComponent(`/?q=${token}`).replaceAll("_", "%5F"))).toBe(true);
    expect(holdsToken(redact(`Bearer ${token}, ${token}`))).toBe(false);
  }
  expect(holdsToken(`${randomBytes(400).toString("base64")} ${randomBytes(400).toString("hex")}`)).toBe(
    false,
  );
});

test("RT-16 a token in the log of a program fails the test run, also when the program's own folder is gone", async () => {
  using dir = tempDir();
  const own = tempDir();
  const log = join(own.path, "server.log");
  keepLog(log, { [LOG_DIR]: dir.path });
  await Bun.write(log, `{"msg":"started"}\n{"msg":"token wsrun_[redacted]"}\n`);
  own.remove();
  const clean = await scanLogs(dir.path);
  expect(clean).toEqual({ files: 1, lines: 2, hidden: 1, found: [] });
  expect(scanTally(clean)).toMatchObject({ passed: 1, failed: 0 });
  const token = createToken("run");
  await Bun.write(join(dir.path, "runner.log"), `one\nremote: ${token}\n`);
  const scan = await scanLogs(dir.path);
  expect(scan.found).toEqual(["runner.log:2"]);
  const { failed, notes } = scanTally(scan);
  expect([failed, notes.join().includes(token)]).toEqual([1, false]);
  rmSync(join(dir.path, "runner.log"));
});

test("without a folder nothing is kept, and nothing counts as a test", () => {
  keepLog("/nowhere/at/all.log", {});
  expect(scanTally({ files: 0, lines: 0, hidden: 0, found: [] })).toMatchObject({ passed: 0, failed: 0 });
});

import { expect, test } from "bun:test";
import { createToken } from "@windshift/contract/tokens.ts";
import { forget, mustGit, refOf } from "./broker-fixture.ts";
import { usePushScene } from "./push-scene-fixture.ts";
import { expectRefused } from "./refused-push-fixture.ts";

const scene = usePushScene();

/** Shaped like a real one and made up here, so that no scanner of this repository takes it for one that leaked. */
const canary = () => `ghp_${"A1b2C3d4E5f6G7h8".repeat(3).slice(0, 36)}`;

for (const kind of ["run", "runner", "registration", "person"] as const)
  test(`GB-31 a token of the kind ${kind} is refused with its path, wherever it stands`, async () => {
    scene.run = await scene.grant({ policy: { secrets: "flag" } });
    const token = createToken(kind);
    await scene.run.commit({ "notes/log.txt": `the token is ${token}\n` });
    await expectRefused(
      scene.broker,
      scene.run,
      `HEAD:${scene.run.ref}`,
      "notes/log.txt holds a token of Windshift",
    );
    const places: [Record<string, string | Uint8Array>, string][] = [
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le") }, "a change"],
      [{ "wide.txt": Buffer.from(`\ufeff${token}`, "utf16le").swap16() }, "a change"],
      [{ "big.bin": Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(token)]) }, "a change"],
      [{ [`x${token}.txt`]: "x\n" }, "a change"],
      [{ "a.txt": "x\n" }, `tell ${token}`],
    ];
    for (const [files, message] of places) {
      forget(scene.broker);
      await scene.run.git("reset", "-q", "--hard", "origin/main");
      await scene.run.commit(files, message);
      const result = await scene.run.push(`HEAD:${scene.run.ref}`);
      expect(result.stderr).toContain("holds a token of Windshift");
      expect(JSON.stringify([result, scene.broker.refusals])).not.toContain(token);
      expect(await refOf(scene.broker, scene.run.ref)).toBeUndefined();
    }
  });

test("GB-31 a planted credential is refused with path and line and without its value, or flagged", async () => {
  await scene.run.commit({ "src/config.ts": `// a comment\nexport const key = "${canary()}";\n` });
  await expectRefused(
    scene.broker,
    scene.run,
    `HEAD:${scene.run.ref}`,
    "src/config.ts seems to hold a credential (line 2 looks like a GitHub token)",
  );
  expect(JSON.stringify(scene.broker.refusals)).not.toContain(canary());
  scene.run = await scene.grant({ policy: { secrets: "flag" } });
  await scene.run.commit({ "src/config.ts": `/* secretlint-disable */ export const key = "${canary()}";\n` });
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  expect(scene.broker.findings).toEqual([expect.objectContaining({ kind: "secret", path: "src/config.ts" })]);
});

test("GB-31 a credential that the base had already is no finding, one beside it is", async () => {
  const flag = await scene.grant({ policy: { secrets: "flag" } });
  const one = `a = "${canary()}"\n`;
  await flag.commit({ "old.ts": one });
  await flag.push(`HEAD:${flag.ref}`);
  await mustGit(scene.broker, scene.broker.repository, "update-ref", "refs/heads/main", flag.ref);
  scene.run = await scene.grant();
  forget(scene.broker);
  await scene.run.commit({ "old.ts": `${one}b = 1\n` });
  expect((await scene.run.push(`HEAD:${scene.run.ref}`)).exitCode).toBe(0);
  await scene.run.commit({ "old.ts": `${one}b = "${canary().replace("A1", "Z9")}"\n` });
  forget(scene.broker);
  await expectRefused(scene.broker, scene.run, `HEAD:${scene.run.ref}`, "old.ts seems to hold a credential");
});

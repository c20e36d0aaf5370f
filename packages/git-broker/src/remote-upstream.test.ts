import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { mustGit, refOf } from "./broker-fixture.ts";
import { PASSWORD, RemoteForge } from "./remote-forge-fixture.ts";

let forge: RemoteForge;
beforeAll(async () => {
  forge = await RemoteForge.start();
});
afterAll(() => forge.stop());
beforeEach(() => forge.reset());

describe("a repository behind git's http-backend", () => {
  for (const version of ["0", "2"])
    test(`is cloned and pushed to with protocol ${version}`, async () => {
      const work = join(forge.broker.dir, `v${version}`);
      const flags = ["-c", `protocol.version=${version}`];
      await mustGit(forge.broker, forge.broker.dir, ...flags, "clone", "-q", forge.run.urlWithToken, work);
      const head = await forge.commit(work, randomBytes(3_000_000));
      expect((await forge.push(work)).exitCode).toBe(0);
      expect(await refOf(forge.broker, forge.run.ref)).toBe(head);
      expect(forge.broker.pushed).toEqual([{ runId: forge.run.runId, oid: head as never }]);
      await mustGit(forge.broker, work, ...flags, "fetch", "-q", forge.run.urlWithToken, forge.run.ref);
      expect(forge.failures).toEqual([]);
      expect(forge.asked.every(({ line }) => line.includes(" /acme/sub/repo.git/"))).toBe(true);
    });

  test("GB-23 the forge sees exactly one Authorization, ours, and nothing else of the client", async () => {
    expect((await forge.list()).status).toBe(200);
    const headers = forge.asked[0]?.headers ?? new Headers();
    expect(headers.get("authorization")).toBe(`Basic ${btoa(`forge-user:${PASSWORD}`)}`);
    expect([...headers.keys()].sort()).toEqual([
      "accept",
      "accept-encoding",
      "authorization",
      "connection",
      "host",
      "user-agent",
    ]);
  });

  test("GB-25 GB-20 an attempt that is superseded while its pack streams moves no ref", async () => {
    const work = await forge.cloned();
    await forge.commit(work, randomBytes(3_000_000));
    let checks = 0;
    forge.broker.onLiveCheck = () => {
      if (++checks === 3) forge.run.live = false;
    };
    expect((await forge.push(work)).exitCode).not.toBe(0);
    forge.broker.onLiveCheck = () => undefined;
    expect(checks).toBe(3);
    expect(forge.asked.at(-1)?.line).toEndWith("/git-receive-pack");
    expect(await refOf(forge.broker, forge.run.ref)).toBeUndefined();
    expect(forge.broker.pushed).toEqual([]);
  });

  test("a credential that the forge does not accept is sent once and no more", async () => {
    let given = 0;
    forge.grant({
      credential: async () => {
        given++;
        return { username: "forge-user", password: "expired-password" };
      },
    });
    expect((await forge.list()).status).toBe(502);
    expect(given).toBe(1);
    expect(forge.failures.map(({ kind }) => kind)).toEqual(["unauthorized"]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { post } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { PASSWORD, RemoteForge } from "./remote-forge-fixture.ts";

let forge: RemoteForge;
beforeAll(async () => {
  forge = await RemoteForge.start();
});
afterAll(() => forge.stop());
beforeEach(() => forge.reset());

describe("GB-21 a forge that sends its callers elsewhere is not followed", () => {
  for (const status of [301, 302, 303, 307, 308])
    for (const to of [
      "http://127.0.0.1:ELSEWHERE/x",
      "http://169.254.169.254/latest/meta-data",
      "/acme/other.git",
    ])
      test(`${status} to ${to}`, async () => {
        const location = to.replace("127.0.0.1:ELSEWHERE", forge.elsewhereHost);
        await forge.list();
        forge.answer = () => new Response(null, { status, headers: { location } });
        const reply = await forge.list();
        expect(reply.status).toBe(502);
        expect(await reply.text()).toContain("elsewhere, and that is not followed");
        expect(reply.headers.get("location")).toBeNull();
        const fetched = await post(forge.run, "git-upload-pack", await forge.wantMain());
        expect(await fetched.text()).toMatch(/^....ERR .*elsewhere, and that is not followed/);
        expect(forge.strays).toBe(0);
        expect(forge.failures).toMatchObject([
          { kind: "redirected", status },
          { kind: "redirected", status },
        ]);
      });
});

describe("GB-22 a credential that comes back is held back", () => {
  const basic = btoa(`forge-user:${PASSWORD}`);
  const type = { "content-type": "application/x-git-upload-pack-advertisement" };

  test("in headers, which never cross", async () => {
    forge.answer = async (request) => {
      const real = await forge.served(request);
      for (const name of ["x-debug", "www-authenticate", "location"]) real.headers.set(name, basic);
      real.headers.append("set-cookie", `session=${PASSWORD}`);
      return real;
    };
    const reply = await forge.list();
    expect(reply.status).toBe(200);
    expect(JSON.stringify([...reply.headers])).not.toMatch(new RegExp(`${PASSWORD}|${basic}|cookie`));
  });

  for (const [form, secret] of [
    ["plain", PASSWORD],
    ["as Basic", basic],
  ] as const) {
    test(`${form}, in an advertisement`, async () => {
      const lines = `${pktLine(`# service=git-upload-pack\n`)}0000${pktLine(`${"1".repeat(40)} refs/heads/main\0agent=${secret}\n`)}0000`;
      forge.answer = () => new Response(lines, { headers: type });
      await isHeldBack(await forge.list(), secret);
    });

    test(`${form}, in an error page`, async () => {
      forge.answer = () =>
        new Response(`you sent ${secret}`, { status: 403, headers: { "content-type": "text/plain" } });
      await isHeldBack(await forge.list(), secret);
    });

    test(`${form}, in an answer to a fetch, split over chunks`, async () => {
      await forge.list();
      forge.answer = () => {
        const bytes = Buffer.from(`0008NAK\n${secret}`);
        const halves = [bytes.subarray(0, 15), bytes.subarray(15)];
        const body = new ReadableStream<Uint8Array>({
          async pull(controller) {
            const half = halves.shift();
            if (half === undefined) return controller.close();
            controller.enqueue(new Uint8Array(half));
            await Bun.sleep(20);
          },
        });
        return new Response(body, { headers: { "content-type": "application/x-git-upload-pack-result" } });
      };
      const reply = await post(forge.run, "git-upload-pack", await forge.wantMain());
      const text = await reply.text().catch(() => "cut");
      expect(text).not.toContain(secret.slice(0, 10));
      expect(forge.failures.map(({ kind }) => kind)).toEqual(["credential_echo"]);
    });
  }

  async function isHeldBack(reply: Response, secret: string): Promise<void> {
    expect(reply.status).toBe(502);
    expect(await reply.text()).not.toContain(secret);
    expect(forge.failures.map(({ kind }) => kind)).toEqual(["credential_echo"]);
    expect(JSON.stringify(forge.failures)).not.toContain(secret);
  }
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import {
  credentialOf,
  REGISTRATION_TOKEN,
  registered,
  type SeenRequest,
  seenRequest,
  startRunnerProgram,
  unknownRunner,
} from "./runner-program.fixture.ts";

/** The real program, started several times; on a loaded machine it takes its time, ms. */
const TEST_MS_MAX = 30_000;
const CREDENTIAL = credentialOf("a");
const ME = { name: "host-1", instance_id: "0123456789ab", pool: "builders", drain: false, alert: null };

let dir: TempDir;
let root: string;
let file: string;
let server: Bun.Server<undefined>;
let seen: SeenRequest[];
/** What the server answers; by default it registers everybody and knows nobody. */
let answer: (request: SeenRequest) => Response | Promise<Response>;

beforeEach(() => {
  dir = tempDir();
  root = join(dir.path, "cache");
  file = join(root, "credential");
  seen = [];
  answer = ({ path }) => (path === "/api/runner/register" ? registered(CREDENTIAL) : unknownRunner());
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const what = await seenRequest(request);
      seen.push(what);
      return answer(what);
    },
  });
});
afterEach(async () => {
  await server.stop(true);
  dir.remove();
});

const start = (env: Record<string, string> = {}, args: readonly string[] = []) =>
  startRunnerProgram({
    args,
    root,
    apiUrl: `http://127.0.0.1:${server.port}/api`,
    env: { WSRUNNER_ALLOW_INSECURE: "1", ...env },
  });
const register = { WSRUNNER_REGISTRATION_TOKEN: REGISTRATION_TOKEN };
const registrations = () => seen.filter(({ path }) => path === "/api/runner/register");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("the credential of a runner", () => {
  test(
    "RT-10 is kept for its owner alone, is used by the next start without a token, and is in nothing the program says",
    async () => {
      const first = await start(register).ended();
      expect(first.exit).toBe(4);
      expect(first.said).toContain("register this runner again");
      expect(readFileSync(file, "utf8")).toBe(`${CREDENTIAL}\n`);
      expect([modeOf(file), statSync(file).uid]).toEqual(["600", process.getuid?.() ?? -1]);
      expect(readdirSync(root).filter((name) => name.startsWith("credential"))).toEqual(["credential"]);
      const second = await start({ WSRUNNER_LOG_LEVEL: "debug" }).ended();
      expect(registrations()).toHaveLength(1);
      const used = seen.filter(({ path }) => path === "/api/runner/claim").map((one) => one.authorization);
      expect(new Set(used)).toEqual(new Set([`Bearer ${CREDENTIAL}`]));
      expect(first.said + second.said).not.toContain(CREDENTIAL.slice(5));
      expect(first.said + second.said).not.toContain(REGISTRATION_TOKEN.slice(5));
    },
    TEST_MS_MAX,
  );

  test(
    "RT-10 that others could read is closed to them when the program starts",
    async () => {
      mkdirSync(root, { recursive: true });
      writeFileSync(file, CREDENTIAL);
      chmodSync(file, 0o644);
      const { said } = await start().ended();
      expect(modeOf(file)).toBe("600");
      expect(said).toContain("its mode was set to 0600");
    },
    TEST_MS_MAX,
  );

  test(
    "RT-03 is the same when the program dies between the server's commit and its answer: the next start sends the same nonce",
    async () => {
      let hold = () => {};
      answer = ({ path }) => {
        if (path !== "/api/runner/register") return unknownRunner();
        // Committed, and never answered.
        return new Promise((resolve) => {
          hold = () => resolve(registered(CREDENTIAL));
        });
      };
      const dying = start(register);
      await eventually("the registration is asked for", () => registrations().length === 1, TEST_MS_MAX);
      dying.child.kill("SIGKILL");
      await dying.ended();
      hold();
      expect(existsSync(file)).toBe(false);
      expect(modeOf(`${file}.nonce`)).toBe("600");
      answer = ({ path }) => (path === "/api/runner/register" ? registered(CREDENTIAL) : unknownRunner());
      await start(register).ended();
      const [before, after] = registrations();
      expect(before?.body.nonce).toMatch(/^[0-9a-f]{32}$/);
      expect(after?.body).toEqual(before?.body ?? {});
      expect(readFileSync(file, "utf8")).toBe(`${CREDENTIAL}\n`);
      expect(existsSync(`${file}.nonce`)).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    "that cannot be kept does not cost the registration token",
    async () => {
      // Nobody makes a folder there, root neither.
      const kept = { WSRUNNER_CREDENTIAL_FILE: "/proc/windshift-test/credential" };
      const { exit, said } = await start({ ...register, ...kept }).ended();
      expect(exit).toBe(2);
      expect(said).toContain("the registration token was not used");
      expect(seen).toEqual([]);
    },
    TEST_MS_MAX,
  );

  test(
    "that cannot be kept does not cost the token when a nonce is there already, and is not changed by the server",
    async () => {
      // A name so long that nothing fits beside it but the nonce; it stops root, too.
      const long = join(root, "c".repeat(249));
      const kept = { WSRUNNER_CREDENTIAL_FILE: long };
      mkdirSync(root, { recursive: true });
      writeFileSync(`${long}.nonce`, "0".repeat(32));
      const unregistered = await start({ ...register, ...kept }).ended();
      expect([unregistered.exit, seen]).toEqual([2, []]);
      expect(unregistered.said).toContain("the registration token was not used");
      writeFileSync(long, CREDENTIAL, { mode: 0o600 });
      const rotated = await start(kept, ["rotate-credential"]).ended();
      expect([rotated.exit, seen]).toEqual([2, []]);
      expect(rotated.said).toContain("the credential was not changed");
    },
    TEST_MS_MAX,
  );

  test(
    "that the server changed and that could not be kept after all is told with what to do within the hour",
    async () => {
      mkdirSync(root, { recursive: true });
      writeFileSync(file, CREDENTIAL, { mode: 0o600 });
      answer = () => {
        rmSync(file);
        mkdirSync(file);
        return Response.json({ credential: credentialOf("b") });
      };
      const { exit, said } = await start({}, ["rotate-credential"]).ended();
      expect(exit).toBe(2);
      expect(said).toContain("the server has changed the credential");
      expect(said).toContain("works for an hour more");
      expect(said).not.toContain(credentialOf("b").slice(5));
    },
    TEST_MS_MAX,
  );

  test(
    "is changed by rotate-credential, for its owner alone, and a program at work goes on with the new one",
    async () => {
      const fresh = credentialOf("b");
      let isOld = true;
      answer = async ({ path, authorization }) => {
        if (path === "/api/runner/register") return registered(CREDENTIAL);
        if (path === "/api/runner/credential") return Response.json({ credential: fresh });
        if (path === "/api/runner/whoami") return Response.json(ME);
        const known = authorization === `Bearer ${isOld ? CREDENTIAL : fresh}`;
        // As long as a claim that nothing came of, so that the program does not spin.
        await Bun.sleep(known ? 50 : 0);
        return known ? Response.json({ job: null }) : unknownRunner();
      };
      const atWork = start(register);
      const claims = (credential: string) =>
        seen.filter(
          (one) => one.path === "/api/runner/claim" && one.authorization === `Bearer ${credential}`,
        );
      await eventually("it is at work", () => claims(CREDENTIAL).length > 0, TEST_MS_MAX);
      const rotated = await start({}, ["rotate-credential"]).ended();
      expect([rotated.exit, rotated.said]).toEqual([0, ""]);
      expect(readFileSync(file, "utf8")).toBe(`${fresh}\n`);
      expect(modeOf(file)).toBe("600");
      // It is used at once: from then on nobody gets another with the former one.
      expect(seen.findLast(({ path }) => path === "/api/runner/whoami")?.authorization).toBe(
        `Bearer ${fresh}`,
      );
      // The hour in which the former one works is over.
      isOld = false;
      await eventually("it goes on with the new one", () => claims(fresh).length > 1, TEST_MS_MAX);
      expect(atWork.child.exitCode).toBeNull();
      atWork.child.kill("SIGTERM");
      expect((await atWork.ended()).exit).toBe(0);
    },
    TEST_MS_MAX,
  );

  test(
    "that the server does not know any more is replaced where there is a token to register again with, and only then",
    async () => {
      const fresh = credentialOf("n");
      mkdirSync(root, { recursive: true });
      writeFileSync(join(root, "instance"), "ba9876543210\n");
      const keep = () => writeFileSync(file, CREDENTIAL, { mode: 0o600 });
      const asked = () => seen.splice(0).map(({ path, authorization }) => [path, authorization]);

      keep();
      const tokenless = await start().ended();
      expect([tokenless.exit, new Set(asked().map(([path]) => path))]).toEqual([
        4,
        new Set(["/api/runner/claim"]),
      ]);

      // A spent token, as it stays behind in many a runner.env.
      answer = () => unknownRunner();
      const spent = await start(register).ended();
      expect([spent.exit, readFileSync(file, "utf8")]).toEqual([4, CREDENTIAL]);
      expect(spent.said).toContain(`neither the credential in ${file} nor WSRUNNER_REGISTRATION_TOKEN`);
      expect(asked()).toEqual([
        ["/api/runner/whoami", `Bearer ${CREDENTIAL}`],
        ["/api/runner/register", null],
      ]);

      answer = ({ path }) => (path === "/api/runner/register" ? registered(fresh) : unknownRunner());
      await start(register).ended();
      expect(readFileSync(file, "utf8")).toBe(`${fresh}\n`);
      expect(asked().at(-1)).toEqual(["/api/runner/claim", `Bearer ${fresh}`]);
      // Its containers keep their name, so that what it left before is found.
      expect(readFileSync(join(root, "instance"), "utf8")).toBe("ba9876543210\n");

      // A server that is away says nothing about a credential.
      keep();
      answer = () => new Response("away", { status: 503 });
      const waiting = start(register);
      const isAtWork = () => asked().some(([path]) => path === "/api/runner/claim");
      await eventually("it asks for work", isAtWork, TEST_MS_MAX);
      waiting.child.kill("SIGTERM");
      expect([(await waiting.ended()).exit, readFileSync(file, "utf8")]).toEqual([0, CREDENTIAL]);
    },
    2 * TEST_MS_MAX,
  );

  test(
    "that is given by the environment is used, never written down, and cannot be rotated",
    async () => {
      const given = { WSRUNNER_CREDENTIAL: credentialOf("g") };
      await start(given).ended();
      expect(seen.map(({ authorization }) => authorization)).toContain(`Bearer ${credentialOf("g")}`);
      expect(existsSync(file)).toBe(false);
      const { exit, said } = await start(given, ["rotate-credential"]).ended();
      expect(exit).toBe(2);
      expect(said).toContain("keeps no credential that could be changed");
    },
    TEST_MS_MAX,
  );
});

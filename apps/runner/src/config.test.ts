import { describe, expect, test } from "bun:test";
import { pathsOf, readRunnerSettings } from "./config.ts";

const NEEDED = { WS_API_URL: "https://windshift.example.test/api", WSRUNNER_IMAGE: "windshift/agent:local" };
const token = (prefix: string) => `${prefix}${"x".repeat(43)}`;

function settingsOf(env: Record<string, string>) {
  const result = readRunnerSettings({ ...NEEDED, ...env });
  if (result.kind === "problems") throw new Error(result.problems.join("\n"));
  return result.settings;
}
function problemsOf(env: Record<string, string | undefined>): string[] {
  const result = readRunnerSettings({ ...NEEDED, ...env });
  return result.kind === "problems" ? result.problems : [];
}

describe("the settings of a runner", () => {
  test("have the defaults that are documented", () => {
    expect(settingsOf({})).toMatchObject({
      apiUrl: "https://windshift.example.test/api",
      cacheRoot: "/var/lib/windshift-runner/cache",
      pollIntervalMs: 2_000,
      heartbeatMs: 30_000,
      capacity: 1,
      network: "coding-agent-egress",
      pidsLimit: 512,
      memory: "4g",
      cpus: "2",
      labels: [],
      once: false,
      drainTimeoutMs: 3_600_000,
    });
    expect(pathsOf(settingsOf({})).credential).toBe("/var/lib/windshift-runner/cache/credential");
    const file = "/etc/windshift-runner/credential";
    expect(pathsOf(settingsOf({ WSRUNNER_CREDENTIAL_FILE: file })).credential).toBe(file);
  });

  test("RT-11 say exactly which part of the address is wrong", () => {
    expect(problemsOf({ WS_API_URL: undefined })).toEqual([
      "WS_API_URL: set it to the address of the server's API, such as https://windshift.example.com/api",
    ]);
    expect(problemsOf({ WS_API_URL: "https://windshift.example.test" })).toEqual([
      'WS_API_URL: must end in /api, such as https://windshift.example.com/api (it is "https://windshift.example.test")',
    ]);
    expect(problemsOf({ WS_API_URL: "http://windshift.example.test/api" })).toEqual([
      'WS_API_URL must be https:// (it is "http://windshift.example.test/api"); for development only, WSRUNNER_ALLOW_INSECURE=1 permits http://',
    ]);
    expect(problemsOf({ WS_API_URL: "http://localhost:8080/api", WSRUNNER_ALLOW_INSECURE: "1" })).toEqual([]);
    expect(problemsOf({ WS_API_URL: "ftp://windshift.example.test/api" })[0]).toContain("must be https://");
    expect(problemsOf({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })[0]).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("are refused together, each with what to write instead and none with a secret", () => {
    const problems = problemsOf({
      WSRUNNER_IMAGE: undefined,
      WSRUNNER_HEARTBEAT_INTERVAL: "2 minutes",
      WSRUNNER_POLL_INTERVAL: "1ms",
      WSRUNNER_CAPACITY: "0",
      WSRUNNER_LABELS: "GPU",
      WSRUNNER_CACHE_ROOT: "cache",
      WSRUNNER_REGISTRATION_TOKEN: "wsrt_secret",
      WSRUNNER_CREDENTIAL: token("wsrt_"),
    });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "WSRUNNER_REGISTRATION_TOKEN",
      "WSRUNNER_CREDENTIAL",
      "WSRUNNER_IMAGE",
      "WSRUNNER_CACHE_ROOT",
      "WSRUNNER_POLL_INTERVAL",
      "WSRUNNER_HEARTBEAT_INTERVAL",
      "WSRUNNER_CAPACITY",
      "WSRUNNER_LABELS",
    ]);
    expect(problems.join()).not.toContain("wsrt_secret");
    expect(problems[2]).toBe("WSRUNNER_IMAGE: set it to the agent image, such as windshift/agent:local");
    expect(problems[5]).toContain("write a duration such as 2s, 30s, 5m or 1h30m");
  });

  test("SB-24 read durations, lists and labels, and images by tag or digest, as they are written", () => {
    expect(
      settingsOf({
        WSRUNNER_DRAIN_TIMEOUT: "1h30m",
        WSRUNNER_POLL_INTERVAL: "250ms",
        WSRUNNER_LABELS: "gpu, arm64,gpu",
        WSRUNNER_ALLOWED_IMAGES: "a/b:1,c/d@sha256:00",
        WSRUNNER_CREDENTIAL: token("wsrc_"),
      }),
    ).toMatchObject({
      drainTimeoutMs: 5_400_000,
      pollIntervalMs: 250,
      labels: ["arm64", "gpu"],
      allowedImages: ["a/b:1", "c/d@sha256:00"],
      credential: token("wsrc_"),
    });
  });

  test("bound what is kept on the disk, in sizes as engines write them", () => {
    expect(settingsOf({})).toMatchObject({
      cacheBytesMax: 20 * 1_024 ** 3,
      cacheAgeMs: 30 * 86_400_000,
      workspaceBytesMax: 20 * 1_024 ** 3,
      metricsHost: "127.0.0.1",
    });
    const set = { WSRUNNER_CACHE_SIZE: "1.5g", WSRUNNER_CACHE_AGE: "12h", WSRUNNER_WORKSPACE_SIZE: "512m" };
    expect(settingsOf(set)).toMatchObject({
      cacheBytesMax: 1.5 * 1_024 ** 3,
      cacheAgeMs: 12 * 3_600_000,
      workspaceBytesMax: 512 * 1_024 ** 2,
    });
    expect(problemsOf({ WSRUNNER_CACHE_SIZE: "20 GB" })[0]).toContain("write a size such as 500m or 20g");
    expect(problemsOf({ WSRUNNER_WORKSPACE_SIZE: "1k" })[0]).toContain("must be at least 16m");
  });

  test("leave two heartbeats room in a lease", () => {
    expect(problemsOf({ WSRUNNER_HEARTBEAT_INTERVAL: "1m" })[0]).toContain("must be at most 45s");
  });

  test("start agents without a container only when that is permitted in so many words", () => {
    expect(settingsOf({}).sandbox).toBe("container");
    const wanted = { WSRUNNER_SANDBOX: "unsandboxed" };
    for (const env of [wanted, { ...wanted, WSRUNNER_ALLOW_UNSANDBOXED: "0" }])
      expect(problemsOf(env)).toEqual([
        "WSRUNNER_SANDBOX: unsandboxed agents can do whatever this runner can; set WSRUNNER_ALLOW_UNSANDBOXED=1 to permit it, or unset it to use containers",
      ]);
    expect(settingsOf({ ...wanted, WSRUNNER_ALLOW_UNSANDBOXED: "1" }).sandbox).toBe("unsandboxed");
    expect(problemsOf({ WSRUNNER_SANDBOX: "none" })[0]).toContain("write container or unsandboxed");
  });
});

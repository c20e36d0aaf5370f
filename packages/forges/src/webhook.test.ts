import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { verifyForgejoWebhook } from "./forgejo-webhook.ts";
import { verifyGithubWebhook } from "./github-webhook.ts";
import { verifyGitlabWebhook, WEBHOOK_SKEW_MS_MAX } from "./gitlab-webhook.ts";

const SECRET = "a-secret";
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const hex = (body: Uint8Array) => createHmac("sha256", SECRET).update(body).digest("hex");

function github(event: string, payload: unknown) {
  const body = bytes(payload);
  const headers = {
    "x-github-event": event,
    "x-github-delivery": "d1",
    "x-hub-signature-256": `sha256=${hex(body)}`,
  };
  return verifyGithubWebhook(headers, body, SECRET);
}

test("a ping, an event of no interest and a comment on an issue are believed and nothing else", async () => {
  const repository = { name: "shop", owner: { login: "acme" } };
  expect(await github("ping", { zen: "Keep it logically awesome.", repository })).toEqual({
    kind: "ping",
    deliveryId: "d1",
  });
  expect(await github("star", { repository })).toEqual({ kind: "other", deliveryId: "d1" });
  expect(await github("issue_comment", { issue: { number: 3 }, repository })).toEqual({
    kind: "other",
    deliveryId: "d1",
  });
});

test("a signed body that is not JSON, or has another shape, does no harm", async () => {
  expect((await github("push", "payload=%7B%7D")).kind).toBe("refused");
  expect((await github("pull_request", { repository: "acme/shop" })).kind).toBe("refused");
  const body = bytes("[]");
  const headers = { "x-gitea-event": "push", "x-gitea-delivery": "d1", "x-gitea-signature": hex(body) };
  expect(verifyForgejoWebhook(headers, body, SECRET).kind).toBe("other");
});

test("a body with a byte order mark or broken UTF-8 is signed as it came", async () => {
  const repository = { name: "shop", owner: { login: "acme" } };
  const plain = bytes({ repository });
  const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...plain]);
  const headers = {
    "x-github-event": "push",
    "x-github-delivery": "d1",
    "x-hub-signature-256": `sha256=${hex(plain)}`,
  };
  expect((await verifyGithubWebhook(headers, marked, SECRET)).kind).toBe("refused");
  const broken = bytes({ repository: { ...repository, name: "sh?p" } });
  const replaced = broken.map((byte) => (byte === 63 ? 0xff : byte));
  expect(
    (
      await verifyGithubWebhook(
        { ...headers, "x-hub-signature-256": `sha256=${hex(broken)}` },
        replaced,
        SECRET,
      )
    ).kind,
  ).toBe("refused");
});

test("Gitea's own headers do when there are none of Forgejo, and do not rescue a bad one", () => {
  const body = bytes({ repository: { name: "shop", owner: { login: "acme" } } });
  const gitea = { "x-gitea-event": "push", "x-gitea-delivery": "d1", "x-gitea-signature": hex(body) };
  expect(verifyForgejoWebhook(gitea, body, SECRET)).toMatchObject({
    kind: "push",
    owner: "acme",
    name: "shop",
  });
  const both = { ...gitea, "x-forgejo-signature": "0".repeat(64) };
  expect(verifyForgejoWebhook(both, body, SECRET).kind).toBe("refused");
});

test("a signed delivery of GitLab is of now, and a plain token does not rescue a bad signature", () => {
  const body = bytes({ project: { path_with_namespace: "a/b/c" } });
  const nowMs = 1_800_000_000_000;
  const signed = (atMs: number) => {
    const time = String(atMs / 1_000);
    const signature = createHmac("sha256", SECRET).update(`w1.${time}.`).update(body).digest("base64");
    return {
      "x-gitlab-event": "Push Hook",
      "webhook-id": "w1",
      "webhook-timestamp": time,
      "webhook-signature": `v1,AAAA v1,${signature}`,
    };
  };
  expect(verifyGitlabWebhook(signed(nowMs), body, SECRET, nowMs)).toEqual({
    kind: "push",
    deliveryId: "w1",
    owner: "a/b",
    name: "c",
  });
  for (const skewMs of [-WEBHOOK_SKEW_MS_MAX - 1_000, WEBHOOK_SKEW_MS_MAX + 1_000])
    expect(verifyGitlabWebhook(signed(nowMs + skewMs), body, SECRET, nowMs).kind).toBe("refused");
  const both = { ...signed(nowMs), "webhook-signature": "v1,AAAA", "x-gitlab-token": SECRET };
  expect(verifyGitlabWebhook(both, body, SECRET, nowMs).kind).toBe("refused");
});

import { createHmac, randomUUID } from "node:crypto";
import type { SignedDelivery, WebhookEvent } from "./forge-server.ts";

/** A secret that begins with `whsec_` is a signing token; any other goes along as it is. */
export function signGitlabDelivery(event: WebhookEvent, number: number, secret: string): SignedDelivery {
  const project = { id: 7, path_with_namespace: "acme/web/shop" };
  const note = {
    object_kind: "note",
    object_attributes: { noteable_type: "MergeRequest" },
    merge_request: { iid: number },
    project,
  };
  const payload = {
    pull_request: { object_kind: "merge_request", object_attributes: { iid: number }, project },
    comment: note,
    review: note,
    push: { object_kind: "push", ref: "refs/heads/main", project },
  }[event];
  const name = {
    pull_request: "Merge Request Hook",
    comment: "Note Hook",
    review: "Note Hook",
    push: "Push Hook",
  }[event];
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const id = randomUUID();
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-gitlab-event": name,
    "x-gitlab-event-uuid": id,
    "idempotency-key": id,
  };
  if (!secret.startsWith("whsec_")) return { headers: { ...headers, "x-gitlab-token": secret }, body };
  const time = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.slice(6), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest("base64");
  return {
    headers: {
      ...headers,
      "webhook-id": id,
      "webhook-timestamp": time,
      "webhook-signature": `v1,${signature}`,
    },
    body,
  };
}

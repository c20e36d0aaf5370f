import { createHmac } from "node:crypto";
import { z } from "zod";
import type { ForgeEvent, WebhookHeaders } from "./forge-event.ts";
import { isEqual, parseDelivery } from "./webhook-signature.ts";

/** A signed delivery older or newer than this is refused, ms. Source: the Standard Webhooks specification. */
export const WEBHOOK_SKEW_MS_MAX = 300_000;

const Payload = z.object({
  project: z.object({ path_with_namespace: z.string().regex(/^[^/]+(\/[^/]+)+$/) }),
  object_attributes: z
    .object({ iid: z.int().positive().optional(), noteable_type: z.string().optional() })
    .optional(),
  merge_request: z.object({ iid: z.int().positive() }).optional(),
});

/**
 * GitLab's two ways: the signature of a signing token (`webhook-signature`, GitLab 18 and later), or the secret itself in
 * `X-Gitlab-Token`. A signature that is there is the one that counts.
 */
export function verifyGitlabWebhook(
  headers: WebhookHeaders,
  rawBody: Uint8Array,
  secret: string,
  nowMs: number,
): ForgeEvent {
  const event = headers["x-gitlab-event"];
  const deliveryId = headers["webhook-id"] ?? headers["idempotency-key"] ?? headers["x-gitlab-event-uuid"];
  if (!event || !deliveryId) return refused("X-Gitlab-Event or the id of the delivery is missing");
  const problem = headers["webhook-signature"]
    ? signatureProblem(headers, rawBody, secret, nowMs)
    : tokenProblem(headers["x-gitlab-token"], secret);
  if (problem !== undefined) return refused(problem);
  const body = parseDelivery(rawBody);
  if (body === undefined) return refused("the body is not JSON");
  const payload = Payload.safeParse(body);
  return payload.success ? eventOf(event, deliveryId, payload.data) : { kind: "other", deliveryId };
}

function tokenProblem(token: string | undefined, secret: string): string | undefined {
  if (!token) return "neither X-Gitlab-Token nor webhook-signature is there";
  return secret !== "" && isEqual(secret, token) ? undefined : "X-Gitlab-Token is not the stored secret";
}

function signatureProblem(
  headers: WebhookHeaders,
  rawBody: Uint8Array,
  secret: string,
  nowMs: number,
): string | undefined {
  const id = headers["webhook-id"];
  const time = headers["webhook-timestamp"] ?? "";
  if (!id || !/^\d{1,11}$/.test(time)) return "webhook-id or webhook-timestamp is missing";
  if (Math.abs(nowMs - Number(time) * 1_000) > WEBHOOK_SKEW_MS_MAX) return "webhook-timestamp is not of now";
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  if (key.length === 0) return "there is no stored secret";
  const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(rawBody).digest("base64");
  const given = (headers["webhook-signature"] ?? "").split(" ").filter((part) => part.startsWith("v1,"));
  const good = given.some((part) => isEqual(expected, part.slice(3)));
  return good ? undefined : "the signature is not that of this body with the stored secret";
}

function eventOf(event: string, deliveryId: string, payload: z.infer<typeof Payload>): ForgeEvent {
  const segments = payload.project.path_with_namespace.split("/");
  const name = segments.pop() ?? "";
  const where = { deliveryId, owner: segments.join("/"), name };
  const { object_attributes: attributes, merge_request } = payload;
  if (event === "Push Hook") return { kind: "push", ...where };
  if (event === "Merge Request Hook" && attributes?.iid !== undefined)
    return { kind: "pull_request", ...where, number: attributes.iid };
  if (event === "Note Hook" && attributes?.noteable_type === "MergeRequest" && merge_request !== undefined)
    return { kind: "comment", ...where, number: merge_request.iid };
  return { kind: "other", deliveryId };
}

function refused(message: string): ForgeEvent {
  return { kind: "refused", message };
}

import { verify } from "@octokit/webhooks-methods";
import { z } from "zod";
import type { ForgeEvent, WebhookHeaders } from "./forge-event.ts";
import { parseDelivery } from "./webhook-signature.ts";

const Payload = z.object({
  repository: z.object({ name: z.string(), owner: z.object({ login: z.string() }) }).optional(),
  pull_request: z.object({ number: z.int().positive() }).optional(),
  /** Of `issue_comment`; `pull_request` is there when it is one. */
  issue: z.object({ number: z.int().positive(), pull_request: z.object({}).optional() }).optional(),
});

/** Checks `X-Hub-Signature-256` over the bytes as they came, then reads what it is about. */
export async function verifyGithubWebhook(
  headers: WebhookHeaders,
  rawBody: Uint8Array,
  secret: string,
): Promise<ForgeEvent> {
  const signature = headers["x-hub-signature-256"];
  const deliveryId = headers["x-github-delivery"];
  const event = headers["x-github-event"];
  if (!signature || !deliveryId || !event)
    return refused("X-Hub-Signature-256, -Delivery or -Event is missing");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(rawBody);
  if (secret === "" || !(await verify(secret, text, signature).catch(() => false)))
    return refused("the signature is not that of this body with the stored secret");
  const payload = Payload.safeParse(parseDelivery(rawBody));
  if (!payload.success)
    return refused("the body is not the JSON of a webhook; choose application/json at GitHub");
  return eventOf(event, deliveryId, payload.data);
}

function eventOf(event: string, deliveryId: string, payload: z.infer<typeof Payload>): ForgeEvent {
  if (event === "ping") return { kind: "ping", deliveryId };
  const { repository, pull_request, issue } = payload;
  if (repository === undefined) return { kind: "other", deliveryId };
  const where = { deliveryId, owner: repository.owner.login, name: repository.name };
  if (event === "push") return { kind: "push", ...where };
  if (event === "issue_comment" && issue?.pull_request !== undefined)
    return { kind: "comment", ...where, number: issue.number };
  const kind = KINDS[event];
  if (kind === undefined || pull_request === undefined) return { kind: "other", deliveryId };
  return { kind, ...where, number: pull_request.number };
}

const KINDS: Record<string, "pull_request" | "review" | "comment"> = {
  pull_request: "pull_request",
  pull_request_review: "review",
  pull_request_review_comment: "comment",
};

function refused(message: string): ForgeEvent {
  return { kind: "refused", message };
}

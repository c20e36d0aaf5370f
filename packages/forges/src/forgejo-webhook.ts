import { z } from "zod";
import type { ForgeEvent, WebhookHeaders } from "./forge-event.ts";
import { isHexHmac, parseDelivery } from "./webhook-signature.ts";

const Numbered = z.object({ number: z.int().positive() });
const Payload = z.object({
  repository: z.object({ name: z.string(), owner: z.object({ login: z.string() }) }),
  pull_request: Numbered.nullish(),
  issue: Numbered.nullish(),
  is_pull: z.boolean().optional(),
});

/** Forgejo sends its own headers and Gitea's; when both are there, its own count. */
export function verifyForgejoWebhook(
  headers: WebhookHeaders,
  rawBody: Uint8Array,
  secret: string,
): ForgeEvent {
  const named = (what: string) => headers[`x-forgejo-${what}`] ?? headers[`x-gitea-${what}`];
  const signature = named("signature");
  const deliveryId = named("delivery");
  // The type tells a comment in a review from one below; older versions have the plain event only.
  const event = named("event-type") ?? named("event");
  if (!signature || !deliveryId || !event)
    return refused("the signature, the id of the delivery or the event is missing from the headers");
  if (secret === "" || !isHexHmac(secret, rawBody, signature))
    return refused("the signature is not that of this body with the stored secret");
  const body = parseDelivery(rawBody);
  if (body === undefined) return refused("the body is not JSON; choose application/json at the forge");
  const payload = Payload.safeParse(body);
  return payload.success ? eventOf(event, deliveryId, payload.data) : { kind: "other", deliveryId };
}

function eventOf(event: string, deliveryId: string, payload: z.infer<typeof Payload>): ForgeEvent {
  const where = { deliveryId, owner: payload.repository.owner.login, name: payload.repository.name };
  if (event === "push") return { kind: "push", ...where };
  const number = payload.pull_request?.number ?? (payload.is_pull ? payload.issue?.number : undefined);
  if (number === undefined) return { kind: "other", deliveryId };
  if (/^pull_request_(review|approved|rejected)/.test(event)) return { kind: "review", ...where, number };
  if (/^(issue|pull_request)_comment$/.test(event)) return { kind: "comment", ...where, number };
  return { kind: "pull_request", ...where, number };
}

function refused(message: string): ForgeEvent {
  return { kind: "refused", message };
}

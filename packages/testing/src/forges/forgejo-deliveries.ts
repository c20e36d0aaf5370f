import { createHmac, randomUUID } from "node:crypto";
import type { SignedDelivery, WebhookEvent } from "./forge-server.ts";

/** A delivery as Forgejo sends it, under both names that it goes by. */
export function signForgejoDelivery(event: WebhookEvent, number: number, secret: string): SignedDelivery {
  const repository = { name: "shop", full_name: "acme/shop", owner: { id: 1, login: "acme" } };
  const payload = {
    pull_request: { action: "opened", number, pull_request: { number }, repository },
    comment: { action: "created", is_pull: true, issue: { number }, comment: { id: 1 }, repository },
    review: {
      action: "reviewed",
      pull_request: { number },
      review: { type: "pull_request_review_comment" },
      repository,
    },
    push: { ref: "refs/heads/main", repository },
  }[event];
  const names = {
    pull_request: "pull_request",
    comment: "pull_request_comment",
    review: "pull_request_review_comment",
    push: "push",
  };
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const delivery = randomUUID();
  const headers = Object.fromEntries(
    ["forgejo", "gitea"].flatMap((brand) => [
      [`x-${brand}-delivery`, delivery],
      [`x-${brand}-event`, event === "comment" ? "issue_comment" : names[event]],
      [`x-${brand}-event-type`, names[event]],
      [`x-${brand}-signature`, signature],
    ]),
  );
  return { headers: { "content-type": "application/json", ...headers }, body };
}

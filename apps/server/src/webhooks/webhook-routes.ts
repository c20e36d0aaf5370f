import { AppError } from "@windshift/contract/app-error.ts";
import { parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { takeDelivery, type WebhookPorts } from "./webhook.ts";

/** One delivery, bytes: what forges send of a pull request or a comment is far below. */
const WEBHOOK_BYTES_MAX = 1_048_576;

/** Where forges tell of what happened. The signature over the bytes as they came is all that counts. */
export function addWebhookRoutes(table: RouteTable, ports: WebhookPorts): void {
  table.mount(
    ["POST"],
    "/api/webhooks/:connection",
    { handler: "the forge's signature, made with the connection's webhook secret" },
    async (c) => {
      const body = await readBody(c.req.raw);
      const headers = Object.fromEntries(c.req.raw.headers);
      const outcome = await takeDelivery(ports, parseRowId(c.req.param("connection")), { headers, body });
      return c.json({ outcome }, 202);
    },
  );
}

/** @throws AppError `too_large`, as soon as it is known */
async function readBody(request: Request): Promise<Uint8Array> {
  const tooLarge = () => new AppError("too_large", `the body is over ${WEBHOOK_BYTES_MAX} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > WEBHOOK_BYTES_MAX) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > WEBHOOK_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

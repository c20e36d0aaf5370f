import { AppError } from "@windshift/contract/app-error.ts";
import type { Log } from "../http/log.ts";
import { parseRowId } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { RefusalLog } from "./refusal-log.ts";
import { takeDelivery, type WebhookPorts } from "./webhook.ts";

/** One delivery, bytes: what forges send of a pull request or a comment is far below. */
const WEBHOOK_BYTES_MAX = 1_048_576;

/** Where forges tell of what happened. The signature over the bytes as they came is all that counts. */
export function addWebhookRoutes(
  table: RouteTable,
  ports: Omit<WebhookPorts, "refusals"> & { log: Log },
): void {
  const refusals = new RefusalLog(ports.log);
  table.mount(
    ["POST"],
    "/api/webhooks/:connection",
    { handler: "the forge's signature, made with the connection's webhook secret" },
    async (c) => {
      const headers = Object.fromEntries(c.req.raw.headers);
      const delivery = { headers, body: () => readBody(c.req.raw) };
      const outcome = await takeDelivery(
        { ...ports, refusals },
        parseRowId(c.req.param("connection")),
        delivery,
      );
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

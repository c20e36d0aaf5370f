import {
  Following,
  type NotificationNews,
  NotificationPage,
  ReadNotifications,
} from "@windshift/contract/api/notification.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { Memberships } from "../http/access.ts";
import { itemGrantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { eventFrame, liveStream, mayStillLook } from "../http/live-stream.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { CallerPorts } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workItemScope } from "../work-items/work-item-store.ts";
import { setFollowing } from "./follower-store.ts";
import { countUnread, listNotifications, markRead } from "./notification-store.ts";

const ListQuery = z.strictObject({
  unread: z.enum(["true", "false"]).default("false"),
  before: CursorParam,
  limit: LimitParam,
});
const ItemParams = z.object({ item: z.string() });

export interface NotificationPorts extends CallerPorts {
  database: Database;
  memberships: Memberships;
}

/** What a person is told, and of which items. */
export function addNotificationRoutes(table: RouteTable, ports: NotificationPorts): void {
  const db = ports.database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/notifications",
      access: "person",
      summary: "The caller's notifications, newest first",
      request: { query: ListQuery },
      responses: { 200: jsonReply(NotificationPage, "A page of them") },
    },
    async (c) => {
      const { unread, before, limit } = c.req.valid("query");
      const { userId } = personOf(c);
      const page = { unread: unread === "true", before, limit };
      const notifications = await listNotifications(db, userId, page);
      const next_before = notifications.length === limit ? (notifications.at(-1)?.id ?? null) : null;
      return c.json({ notifications, unread: await countUnread(db, userId), next_before }, 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/notifications/read",
      access: "person",
      summary: "Mark notifications of the caller as read",
      request: { body: jsonBody(ReadNotifications) },
      responses: { 200: jsonReply(z.object({ unread: z.int() }), "How many are left") },
    },
    async (c) => {
      const which = c.req.valid("json");
      const { userId } = personOf(c);
      await markRead(db, userId, "ids" in which ? which : { upTo: which.up_to });
      // Other tabs of the same person show the count as well.
      await ports.database.signals.notify(`user:${userId}`);
      return c.json({ unread: await countUnread(db, userId) }, 200);
    },
  );

  table.mount(["GET"], "/api/v1/notifications/stream", "person", (c) => {
    const headers = new Headers(c.req.raw.headers);
    return notificationStream(ports, personOf(c).userId, headers);
  });

  for (const method of ["put", "delete"] as const) {
    table.add(
      {
        method,
        path: "/api/v1/items/{item}/follow",
        access: { role: "viewer", in: workItemScope },
        summary: method === "put" ? "Hear of what happens to a work item" : "Hear no more of a work item",
        request: { params: ItemParams },
        responses: { 200: jsonReply(Following, "Whether the caller follows it") },
      },
      async (c) => {
        const following = method === "put";
        await setFollowing(db, itemGrantOf(c).workItemId, personOf(c).userId, following);
        return c.json({ following }, 200);
      },
    );
  }
}

/** The count of what is unread and the newest notification: at once, and whenever they change. */
function notificationStream(ports: NotificationPorts, userId: string, headers: Headers): Response {
  const { database } = ports;
  let shown = "";
  return liveStream({
    signals: database.signals,
    topic: `user:${userId}`,
    mayLook: () => mayStillLook(headers, ports),
    look: async () => {
      const unread = await countUnread(database.kysely, userId);
      const page = { unread: false, before: undefined, limit: 1 };
      const [newest] = await listNotifications(database.kysely, userId, page);
      const frame = eventFrame("news", { unread, newest: newest ?? null } satisfies NotificationNews);
      if (frame === shown) return [];
      shown = frame;
      return [frame];
    },
  });
}

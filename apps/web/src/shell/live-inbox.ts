import { useQueryClient } from "@tanstack/react-query";
import { NotificationNews } from "@windshift/contract/api/notification.ts";
import { useEvents } from "../api/event-stream.ts";
import { meQuery } from "../api/me.ts";

/** Keeps the count of what is unread as the server has it, and an open inbox with it. */
export function useLiveInbox(): void {
  const client = useQueryClient();
  useEvents(
    () => "/api/v1/notifications/stream",
    ["news"],
    (_name, data) => {
      const news = NotificationNews.safeParse(JSON.parse(data));
      if (!news.success) return;
      const { unread } = news.data;
      client.setQueryData(meQuery.queryKey, (me) =>
        me === undefined || me.notifications_unread === unread ? me : { ...me, notifications_unread: unread },
      );
      void client.invalidateQueries({ queryKey: ["notifications"] });
    },
    // A stream that breaks off is the first sign that the server is gone.
    (state) => {
      if (state === "lost") void client.invalidateQueries({ queryKey: ["alive"] });
    },
  );
}

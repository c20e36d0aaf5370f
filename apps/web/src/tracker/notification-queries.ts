import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { NotificationPage, type ReadNotifications } from "@windshift/contract/api/notification.ts";
import { z } from "zod";
import { callApi, getApi, queryString } from "../api/api.ts";
import { meQuery } from "../api/me.ts";
import { sayFailed } from "../shell/notices.tsx";

/** Notifications that one step of the inbox takes. */
const STEP = 50;

/** What the reader was told, newest first. */
export function notificationsQuery(unread: boolean) {
  return infiniteQueryOptions({
    queryKey: ["notifications", unread] as const,
    queryFn: ({ pageParam, signal }) =>
      getApi(
        `/api/v1/notifications${queryString({ unread: unread || undefined, before: pageParam, limit: STEP })}`,
        NotificationPage,
        signal,
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next_before ?? undefined,
  });
}

/** Marks notifications as read; the count in the menu follows. */
export function useMarkRead() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (which: ReadNotifications) =>
      callApi("POST", "/api/v1/notifications/read", z.object({ unread: z.int() }), which),
    onSuccess: ({ unread }) => {
      client.setQueryData(meQuery.queryKey, (me) => me && { ...me, notifications_unread: unread });
      return client.invalidateQueries({ queryKey: ["notifications"] });
    },
    onError: sayFailed,
  });
}

import { Alert } from "@mantine/core";
import { useWindowEvent } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { z } from "zod";
import { ApiError, getApi } from "../api/api.ts";

/** How often the server is asked whether it is there: rarely while it is, often while it is not, ms. */
const ALIVE_MS = 20_000;
const LOST_MS = 2_000;

/** Says that the server does not answer, and goes away by itself. */
export function ConnectionBanner() {
  const { error, refetch } = useQuery({
    queryKey: ["alive"],
    queryFn: ({ signal }) => getApi("/healthz", z.object({ status: z.string() }), signal),
    // What brought the page is there; the first question comes later.
    initialData: { status: "ok" },
    staleTime: ALIVE_MS,
    refetchInterval: ({ state }) => (state.error === null ? ALIVE_MS : LOST_MS),
    refetchOnReconnect: true,
    retry: false,
  });
  useWindowEvent("offline", () => void refetch());
  useWindowEvent("online", () => void refetch());
  if (!(error instanceof ApiError)) return null;
  return (
    <Alert color="yellow" mb="md" role="alert" className="offline">
      The server does not answer. What you see may be old, and nothing you type is lost; this goes away once
      it is back.
    </Alert>
  );
}

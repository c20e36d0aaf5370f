import { queryOptions } from "@tanstack/react-query";
import { ApiTokenList } from "@windshift/contract/api/token.ts";
import { SessionList } from "@windshift/contract/api/user.ts";
import { getApi } from "../api/api.ts";

export const sessionsQuery = queryOptions({
  queryKey: ["account", "sessions"],
  queryFn: ({ signal }) => getApi("/api/v1/me/sessions", SessionList, signal),
});

export const tokensQuery = queryOptions({
  queryKey: ["account", "tokens"],
  queryFn: ({ signal }) => getApi("/api/v1/tokens", ApiTokenList, signal),
});

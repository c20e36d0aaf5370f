import type { Connection } from "@windshift/contract/api/connection.ts";
import { countTyped } from "../parts/money-text.ts";
import type { ConnectionKind } from "./connection-kinds.ts";

/** What is typed of a connection beside its credential. */
export interface ConnectionTyped {
  name: string;
  base_url: string;
  context_window: string;
  concurrency_max: string;
  app_id: string;
  installation_id: string;
}

export const CONNECTION_FIELDS = [
  "name",
  "base_url",
  "context_window",
  "concurrency_max",
  "app_id",
  "installation_id",
  "api_key",
  "token",
  "app",
  "app.app_id",
  "app.installation_id",
  "app.private_key",
] as const;

/** What the fields of a connection hold at first: what `of` has, or what is usual for its kind. Secrets are never among them. */
export function connectionStart(kind: ConnectionKind, of?: Connection): ConnectionTyped {
  return {
    name: of?.name ?? kind.name,
    base_url: of?.base_url ?? kind.address?.value ?? "",
    context_window: of?.context_window?.toString() ?? "",
    concurrency_max: of?.concurrency_max?.toString() ?? "",
    app_id: of?.app?.app_id.toString() ?? "",
    installation_id: of?.app?.installation_id.toString() ?? "",
  };
}

/** @throws ApiError naming the field */
export function newConnectionBody(kind: ConnectionKind, typed: ConnectionTyped, secret: string): object {
  const { name } = typed;
  const { provider } = kind;
  if (kind.kind === "git")
    return {
      kind: "git",
      provider,
      name,
      ...(kind.address && { base_url: typed.base_url }),
      ...credentialBody(kind, typed, secret),
    };
  return {
    kind: "llm",
    provider,
    name,
    base_url: typed.base_url,
    api_key: secret === "" ? null : secret,
    ...limitsBody(typed),
  };
}

/** @throws ApiError naming the field */
export function limitsBody(typed: ConnectionTyped) {
  return {
    context_window: countTyped(typed.context_window, "context_window"),
    concurrency_max: countTyped(typed.concurrency_max, "concurrency_max"),
  };
}

/** @throws ApiError naming the field */
export function credentialBody(kind: ConnectionKind, typed: ConnectionTyped, secret: string): object {
  switch (kind.credential) {
    case "none":
      return {};
    case "token":
      return { token: secret };
    case "key":
      return { api_key: secret === "" ? null : secret };
    case "app":
      return {
        app: {
          app_id: countTyped(typed.app_id, "app.app_id") ?? 0,
          installation_id: countTyped(typed.installation_id, "app.installation_id") ?? 0,
          private_key: secret,
        },
      };
  }
}

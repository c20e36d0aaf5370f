import type { Connection } from "@windshift/contract/api/connection.ts";
import { FORGE_URLS } from "@windshift/contract/api/connection.ts";

/** A way to connect, as people choose it. */
export interface ConnectionKind {
  /** Also the last part of the form's address. */
  id: string;
  kind: Connection["kind"];
  provider: Connection["provider"];
  /** What it is, where one is chosen and where one is listed. */
  title: string;
  /** The name that is proposed. */
  name: string;
  credential: "token" | "app" | "key" | "none";
  /** What the credential is and what it needs. */
  needs: string;
  /** Undefined: it has none. */
  address?: { value?: string; example: string };
}

/** Forges first, then models: the order in which they are offered. */
export const CONNECTION_KINDS: readonly ConnectionKind[] = [
  {
    id: "github",
    kind: "git",
    provider: "github",
    title: "GitHub with a token",
    name: "GitHub",
    credential: "token",
    needs:
      "A fine-grained token with Contents: write, Pull requests: write and Metadata: read, or a classic one with the scope repo.",
    address: { value: FORGE_URLS.github, example: "https://github.example.com" },
  },
  {
    id: "github_app",
    kind: "git",
    provider: "github",
    title: "GitHub App",
    name: "GitHub App",
    credential: "app",
    needs: "The App needs Contents: write, Pull requests: write and Metadata: read.",
    address: { value: FORGE_URLS.github, example: "https://github.example.com" },
  },
  {
    id: "forgejo",
    kind: "git",
    provider: "forgejo",
    title: "Forgejo, Gitea or Codeberg",
    name: "Forgejo",
    credential: "token",
    needs: "An access token with write:repository, write:issue and read:user.",
    address: { example: "https://codeberg.org" },
  },
  {
    id: "gitlab",
    kind: "git",
    provider: "gitlab",
    title: "GitLab",
    name: "GitLab",
    credential: "token",
    needs: "A token with the scope api and at least the role Developer.",
    address: { value: FORGE_URLS.gitlab, example: "https://gitlab.example.com" },
  },
  {
    id: "local",
    kind: "git",
    provider: "local",
    title: "Repositories on this server",
    name: "Local",
    credential: "none",
    needs: "The repositories are this server's own; there is nothing to sign in to.",
  },
  {
    id: "openai_compatible",
    kind: "llm",
    provider: "openai_compatible",
    title: "OpenAI-compatible models",
    name: "Models",
    credential: "key",
    needs: "Leave it empty when the provider asks for none.",
    address: { example: "https://api.openai.com" },
  },
  {
    id: "anthropic",
    kind: "llm",
    provider: "anthropic",
    title: "Anthropic models",
    name: "Anthropic",
    credential: "key",
    needs: "A key of the Anthropic API.",
    address: { value: "https://api.anthropic.com", example: "https://api.anthropic.com" },
  },
];

/** The kind that an address of the app names, if there is one. */
export function findConnectionKind(id: string): ConnectionKind | undefined {
  return CONNECTION_KINDS.find((kind) => kind.id === id);
}

/**
 * The kind of a connection that exists; one provider may have two, which differ in the credential.
 * @throws Error for a provider that the page does not know
 */
export function connectionKindOf(connection: Pick<Connection, "provider" | "app">): ConnectionKind {
  const app = connection.app !== null;
  const kind = CONNECTION_KINDS.find(
    (one) => one.provider === connection.provider && (one.credential === "app") === app,
  );
  if (kind === undefined) throw new Error(`a connection of ${connection.provider} has no page`);
  return kind;
}

/** Whether repositories of the connection live elsewhere. */
export function isForgeKind(kind: ConnectionKind): boolean {
  return kind.kind === "git" && kind.provider !== "local";
}

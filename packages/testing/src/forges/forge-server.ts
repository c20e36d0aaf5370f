import type { ForgeKind } from "@windshift/forges/create-forge-client.ts";
import type { RepositoryAddress } from "@windshift/forges/forge-client.ts";
import type { ForgeFaults } from "./forge-faults.ts";

/**
 * A forge on loopback, with real git behind it. Real: github-server.ts (emulate as its own process behind a front),
 * gitlab-server.ts, forgejo-server.ts.
 */
export interface ForgeServer {
  readonly kind: ForgeKind;
  /** The base address that an administrator would enter. */
  readonly url: string;
  /** The account of the tokens. */
  readonly agent: string;
  /** Of `agent`. `narrow` lacks the scope that pull requests need. */
  readonly tokens: { full: string; narrow: string; expired: string; revoked: string };
  /** Good tokens with which runs cannot work, and what a person is told to grant. */
  readonly weakTokens: readonly { token: string; grant: string }[];
  /** Logins of people with write access, with read access, and without any. */
  readonly people: { writer: string; reader: string; outsider: string };
  /** Private, with one commit on `main`; `agent` may push. */
  readonly repository: RepositoryAddress;
  /** How many other repositories `agent` sees: more than a page of any forge. */
  readonly otherRepositories: number;
  /** The bare repository behind `repository`. */
  readonly dir: string;
  readonly faults: ForgeFaults;
  /** Requests and replies that are not those of the forge's published description, one sentence each. */
  readonly violations: readonly string[];
  /** What the account of the tokens may do in the repository. */
  setAgentAccess(access: "read" | "write" | "admin"): Promise<void>;
  /** A person writes below a pull request. */
  comment(number: number, login: string, body: string): Promise<void>;
  /** A person submits a review with one comment in the diff. */
  review(number: number, login: string, body: string, inDiff: string): Promise<void>;
  close(number: number): Promise<void>;
  /** Opens a closed one again. */
  reopen(number: number): Promise<void>;
  merge(number: number): Promise<void>;
  /** A delivery as the forge would send it. */
  webhook(event: WebhookEvent, number: number, secret: string): SignedDelivery;
  stop(): Promise<void>;
}

export type WebhookEvent = "pull_request" | "comment" | "review" | "push";

export interface SignedDelivery {
  /** Names in small letters. */
  headers: Record<string, string>;
  body: Uint8Array;
}

import { join } from "node:path";
import type { systemClock } from "@windshift/base/clock.ts";
import { createForgeClient } from "@windshift/forges/create-forge-client.ts";
import {
  type ConnectionCheck,
  type ForgeClient,
  ForgeError,
  type NewPullRequest,
} from "@windshift/forges/forge-client.ts";
import { type TempDir, tempDir } from "../../temp-dir.ts";
import type { ForgeServer } from "../forge-server.ts";
import { pushBranch } from "../push-branch.ts";

/** What differs from forge to forge, and is not the port's to hide. */
export interface ForgeTraits {
  /** How a draft shows in the title; empty where it is a field of its own. */
  draftPrefix: string;
  /** Whether an expired credential is said to be expired. */
  saysExpired: boolean;
  /** The path of the call that opens a pull request. */
  createPath: RegExp;
  /** The longest texts that it takes, characters, of a pull request and of a comment. */
  charsMax: { text: number; comment: number };
  /** An answer of a rate limit until this time, seconds since 1970. */
  limit(resetS: number): { status: number; headers: Record<string, string>; body: unknown };
}

/** A few requests and git processes; a loaded machine may take long for them. */
export const TEST_MS_MAX = 60_000;

/** One forge and a client of it, for all parts of the suite. */
export class ForgeBench {
  readonly folder: TempDir = tempDir();
  private started: { forge: ForgeServer; client: ForgeClient } | undefined;
  private branches = 0;
  constructor(readonly traits: ForgeTraits) {}

  async start(start: () => Promise<ForgeServer>): Promise<void> {
    const forge = await start();
    this.started = { forge, client: await clientOf(forge, forge.tokens.full) };
  }

  async stop(): Promise<void> {
    await this.started?.forge.stop();
    this.folder.remove();
  }

  get forge(): ForgeServer {
    return this.live().forge;
  }

  get client(): ForgeClient {
    return this.live().client;
  }

  connect(token: string, options?: ClientOptions): Promise<ForgeClient> {
    return clientOf(this.forge, token, options);
  }

  /** A pushed branch with one commit, and the request for its pull request. */
  async pushed(): Promise<NewPullRequest & { headOid: string }> {
    this.branches += 1;
    const { forge, client, branches } = this;
    const { repository } = forge;
    const sourceBranch = `agent-runs/run-${branches}`;
    const { username, password } = await client.gitCredential(repository);
    const headOid = await pushBranch({
      url: `${client.gitBaseUrl}/${repository.owner}/${repository.name}.git`,
      username,
      password,
      workDir: join(this.folder.path, `work-${branches}`),
      branch: sourceBranch,
      file: `file-${branches}.txt`,
    });
    return {
      repository,
      title: `Change ${branches}`,
      body: `It works.\n\n<!-- run ${branches} -->`,
      mark: `<!-- run ${branches} -->`,
      sourceBranch,
      targetBranch: "main",
      headOid,
    };
  }

  /** Requests so far that would make a pull request. */
  creations(): number {
    const { createPath } = this.traits;
    return this.forge.faults.log.filter((r) => r.method === "POST" && createPath.test(r.path)).length;
  }

  private live() {
    if (this.started === undefined) throw new Error("the forge is not started");
    return this.started;
  }
}

interface ClientOptions {
  baseUrl?: string;
  clock?: typeof systemClock;
}

function clientOf(forge: ForgeServer, token: string, options: ClientOptions = {}): Promise<ForgeClient> {
  return createForgeClient(forge.kind, {
    baseUrl: options.baseUrl ?? forge.url,
    credential: { kind: "token", token },
    fetch: (input, init) => fetch(input, init),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
}

/**
 * A check that must have been refused, with why.
 * @throws Error when it was good
 */
export function refusedCheck(checked: ConnectionCheck): Extract<ConnectionCheck, { ok: false }> {
  if (checked.ok) throw new Error(`the check was good: ${checked.message}`);
  return checked;
}

/**
 * The ForgeError of a call that must fail.
 * @throws whatever else it fails with; Error when it does not
 */
export async function failureOf(call: Promise<unknown>): Promise<ForgeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ForgeError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

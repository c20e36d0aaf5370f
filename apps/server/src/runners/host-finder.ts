import { AppError } from "@windshift/contract/app-error.ts";
import { hashToken, TOKEN_PREFIX } from "@windshift/contract/tokens.ts";
import { type HostPace, type HostRequestKind, tooMany } from "./host-pace.ts";
import { type Host, notWelcome } from "./runner-credential.ts";

/** For how long a credential that nobody has is refused without a look, ms: none is ever shown before it is in the database. */
const UNKNOWN_MS = 60_000;
/** Such credentials that are remembered; beyond it the oldest is looked up once more. */
const UNKNOWN_MAX = 10_000;
/** Credentials of one statement. */
const LOOKUP_MAX = 500;
/** Pause after a statement that found one unknown, ms: however many there are, the database is asked 40 times a second at most. */
const LOOKUP_GAP_MS = 25;
/** Credentials that wait to be looked up: what a flood of five thousand a second makes in a second. */
const WAITING_MAX = 5_000;

/** Time for one statement, ms: one that hangs is left to itself, and keeps nobody but those that it was to find waiting. */
const LOOKUP_MS_MAX = 5_000;

/** What a flood is told: always the same, so that nothing is made anew for it. */
const FLOODS = tooMany();
const UNKNOWN = notWelcome();

/** Where hosts ask. */
const HOST_PATHS = "/api/runner/";

type Waiting = PromiseWithResolvers<Host | undefined>;

/**
 * Finds the host that a request's credential names. One that a host was found by before is looked up at once and anew for each request,
 * so that a revocation holds from the next one on. Those that were never seen here share one statement at a time: a flood of made-up
 * credentials neither takes the connections of leases nor keeps a new host from being known.
 */
export class HostFinder {
  /** Until when each is refused, by its hash, the oldest first. */
  private readonly unknown = new Map<string, number>();
  private readonly waiting = new Map<string, Waiting>();
  private busy = false;

  constructor(
    /** Asks the database for the hosts of credentials, by their hashes. */
    private readonly look: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Host>>,
    private readonly pace: HostPace,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly lookupMsMax = LOOKUP_MS_MAX,
  ) {}

  /** Why a request of a host is refused whatever it asks, for its credential alone; without the database and before it is read. */
  refusalOf(request: Request, path: string): { error: AppError; route: string } | undefined {
    if (!path.startsWith(HOST_PATHS)) return undefined;
    const hash = hashOf(request.headers.get("authorization"));
    const error = hash === undefined ? undefined : this.refusal(hash, kindOf(path));
    return error && { error, route: `${HOST_PATHS}*` };
  }

  /**
   * @param path decides by which pace the request is let in
   * @throws AppError `unauthenticated`; `rate_limited` for a host that floods, without asking the database
   */
  async find(authorization: string | null, path: string): Promise<Host> {
    const hash = hashOf(authorization);
    if (hash === undefined) throw notWelcome();
    const kind = kindOf(path);
    const refusal = this.refusal(hash, kind);
    if (refusal !== undefined) throw refusal;
    const host = this.pace.knows(hash) ? (await this.look([hash])).get(hash) : await this.lookUp(hash);
    if (host === undefined) {
      this.noteUnknown(hash);
      throw notWelcome();
    }
    this.pace.found(hash, host.id);
    this.pace.require(host.id, kind, host.capacity ?? 1);
    return host;
  }

  private refusal(hash: string, kind: HostRequestKind): AppError | undefined {
    if (this.isUnknown(hash)) return UNKNOWN;
    return this.pace.turnsAway(hash, kind) ? FLOODS : undefined;
  }

  private isUnknown(hash: string): boolean {
    const untilMs = this.unknown.get(hash);
    if (untilMs === undefined) return false;
    if (this.nowMs() < untilMs) return true;
    this.unknown.delete(hash);
    return false;
  }

  private noteUnknown(hash: string): void {
    this.unknown.delete(hash);
    this.unknown.set(hash, this.nowMs() + UNKNOWN_MS);
    const oldest = this.unknown.size > UNKNOWN_MAX ? this.unknown.keys().next() : undefined;
    if (oldest !== undefined && !oldest.done) this.unknown.delete(oldest.value);
  }

  private lookUp(hash: string): Promise<Host | undefined> {
    const known = this.waiting.get(hash);
    if (known !== undefined) return known.promise;
    if (this.waiting.size >= WAITING_MAX) throw manyWaiting();
    const asked: Waiting = Promise.withResolvers();
    this.waiting.set(hash, asked);
    void this.lookUpAll();
    return asked.promise;
  }

  private async lookUpAll(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.size > 0) {
      const group = [...this.waiting].slice(0, LOOKUP_MAX);
      // Who asks for one of them from now on is answered by the next statement, which begins after the question.
      for (const [hash] of group) this.waiting.delete(hash);
      if ((await this.answer(group)) < group.length) await Bun.sleep(LOOKUP_GAP_MS);
    }
    this.busy = false;
  }

  /** @returns how many of them were found */
  private async answer(group: readonly [string, Waiting][]): Promise<number> {
    try {
      const hashes = group.map(([hash]) => hash);
      const found = await this.lookInTime(hashes);
      for (const [hash, asked] of group) asked.resolve(found.get(hash));
      return found.size;
    } catch (error) {
      for (const [, asked] of group) asked.reject(error);
      return 0;
    }
  }

  /** @throws AppError `unavailable` when the database takes too long */
  private async lookInTime(hashes: readonly string[]): Promise<ReadonlyMap<string, Host>> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(tooLate()), this.lookupMsMax);
    try {
      return await Promise.race([this.look(hashes), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function tooLate(): AppError {
  return new AppError("unavailable", "the credential could not be looked up in time; try again in a second", {
    retryAfterS: 1,
  });
}

function manyWaiting(): AppError {
  return new AppError("rate_limited", "the server is looking up many credentials; try again in a second", {
    retryAfterS: 1,
  });
}

/** @returns undefined for what cannot be a host's credential */
function hashOf(authorization: string | null): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  return token.startsWith(TOKEN_PREFIX.runner) ? hashToken(token) : undefined;
}

function kindOf(path: string): HostRequestKind {
  if (path === "/api/runner/claim") return "claim";
  return path.startsWith("/api/runner/runs/") && path.endsWith("/events") ? "events" : "control";
}

import type { Attempt, Oid, RunId } from "@windshift/contract/ids.ts";
import type { GitUpstream } from "./git-upstream.ts";
import type { PackInspector, PushFinding } from "./pack-inspector.ts";

/** What one run's git token may do: read one repository, push one ref of it. */
export interface GitGrant {
  runId: RunId;
  attempt: Attempt;
  /** As they stand in the clone address. */
  owner: string;
  repo: string;
  /** The one ref that may be pushed, full name, such as `refs/heads/agent-runs/run-7`. */
  ref: string;
  /** False: nothing at all may be pushed, not even `ref`. Left out, `ref` may. */
  mayPush?: boolean;
  /** The refs that may be seen and fetched, full names: the base branch and the run's own. No others, no tags. */
  fetchRefs: readonly string[];
  upstream: GitUpstream;
  /** Looks into what is pushed before the ref moves; undefined lets every pack pass. */
  inspector?: PackInspector;
  /** Asked again before a pack is forwarded and before its last bytes are; false once the attempt is not the live one. */
  isLive(): Promise<boolean>;
  /**
   * The upstream reported `ok` for the ref. The client hears of it only after this resolved, so make it durable.
   * @param findings what the push holds that a person should see
   */
  onPushed(newOid: Oid, findings: readonly PushFinding[]): Promise<void>;
}

/** Who may do what, asked at each request. Real: the server's grants by the live attempt. */
export interface GitGrants {
  /** Undefined for an unknown run, a token that is not this run's, and an ended run: all are answered alike. */
  find(runId: RunId, token: string): Promise<GitGrant | undefined>;
}

/** A request of a valid token that went beyond its grant. */
export interface GitRefusal {
  runId: RunId;
  attempt: Attempt;
  /** The refs it named: printable ASCII, cut and capped. */
  refs: readonly string[];
  why: string;
}

/** Where refused pushes are written down. */
export interface GitAudit {
  /** Awaited before the client is answered. */
  refused(refusal: GitRefusal): Promise<void>;
}

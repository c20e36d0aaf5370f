import type { PushCommand } from "./push-line.ts";

/** Looks into pushes of one run. Real: quarantine-inspector.ts. */
export interface PackInspector {
  /** Starts looking into one push; its pack follows. */
  start(command: PushCommand, signal: AbortSignal): PackInspection;
  /** A push will probably follow; may get ready for it. */
  warm?(): void;
}

/** One push under inspection. After `abort`, which is called in any case, nothing of it is left on disk. */
export interface PackInspection {
  /**
   * Takes the next bytes of the pack; resolves when it can take more.
   * @throws BodyRefused when the pack is over a limit or is no pack
   */
  write(chunk: Uint8Array): Promise<void>;
  /** All bytes came; the upstream still lacks the last ones, so its ref has not moved. */
  end(): Promise<InspectionVerdict>;
  /** May be called more than once, also after `end`. */
  abort(): Promise<void>;
}

/** Something a push holds that a person should see. Never carries the value of a secret. */
export interface PushFinding {
  kind: "ci_file" | "protected_file" | "secret" | "own_token" | "not_scanned";
  path: string;
  /** For people: what was found, where it is not plain from the path. */
  what: string;
  /** Set on the last of a kind: it stands for so many others that are not named. */
  more?: number;
}

export type InspectionVerdict =
  | { kind: "accepted"; findings: readonly PushFinding[] }
  /** `why` is for the person who reads git's output: every reason, one a line. */
  | { kind: "refused"; why: string; findings: readonly PushFinding[] };

import { GIT_BODY_BYTES_MAX } from "@windshift/contract/limits.ts";
import type { GitGrant } from "./git-grant.ts";
import { HeldTail } from "./held-tail.ts";
import type { PackInspection, PushFinding } from "./pack-inspector.ts";
import type { PushVerdict } from "./push-gate.ts";
import { BodyRefused, NOT_LIVE } from "./refusal.ts";

type Chunks = AsyncGenerator<Uint8Array, void>;

/**
 * The end of a push that is kept back until the verdict, bytes. It must be more than the inspecting git can have been sent
 * without having read it (what a pipe holds, some 200 KB, and its buffer): then what went on lies before the end of the
 * pack, and no upstream has a whole one, also when bytes follow the pack to pad it.
 */
export const PUSH_HELD_BYTES = 1_048_576;

/**
 * Bytes of a push that pass between two collections of garbage. The server hands over chunks of up to 1.5 MiB, and the
 * collector, left alone, lets some 30 of them lie: to it each is a small object. Asking costs 0.1 ms.
 */
export const PUSH_COLLECTED_BYTES = 8 * 1_048_576;

/** A push whose commands passed the gate. */
export interface Judged {
  push: Extract<PushVerdict, { kind: "push" }>;
  /** What was read so far, and where in it the pack begins. */
  held: readonly Uint8Array[];
  packFrom: number;
  rest: Chunks;
}

/** A push on its way. */
export interface Forwarded {
  /** As the upstream gets it. Fails, before the upstream has all of it, when the push is refused. */
  chunks: Chunks;
  /** Why it failed, however the upstream took it. */
  failure(): unknown;
  findings(): readonly PushFinding[];
  /** Nothing is left of it after. */
  abort(): Promise<void>;
  /** Resolves when what an accepted push left is removed; waits for nothing before that is begun, and stops nothing. */
  cleared(): Promise<void>;
}

/**
 * Sends a push on while it is looked into. The last bytes go only after the inspection accepted it and the attempt was found
 * live again, so neither a refused pack nor a zombie's long upload moves a ref.
 */
export function forwardedPush(
  grant: GitGrant,
  judged: Judged,
  signal: AbortSignal,
  sentWhole: () => void,
): Forwarded {
  const inspection = grant.inspector?.start(judged.push.command, signal);
  let failure: unknown;
  let findings: readonly PushFinding[] = [];
  let cleared: Promise<void> | undefined;
  const chunks = (async function* (): Chunks {
    try {
      const { commands, pack } = split(judged);
      yield commands;
      const tail = new HeldTail(PUSH_HELD_BYTES);
      let bytes = commands.length;
      let collectAt = PUSH_COLLECTED_BYTES;
      for await (const chunk of concat(pack, judged.rest)) {
        bytes += chunk.length;
        if (bytes > GIT_BODY_BYTES_MAX) throw new BodyRefused(413, "a push over 2 GiB");
        await inspection?.write(chunk);
        yield* tail.push(chunk);
        if (bytes < collectAt) continue;
        Bun.gc(false);
        collectAt = bytes + PUSH_COLLECTED_BYTES;
      }
      findings = await accepted(inspection);
      if (!(await grant.isLive())) throw new BodyRefused(403, NOT_LIVE);
      sentWhole();
      // Beside the upstream's work, not before it. What cannot be removed now is swept up later, and no reason to fail.
      cleared = inspection?.abort().catch(() => undefined);
      yield* tail.rest();
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      if (cleared === undefined) await inspection?.abort();
    }
  })();
  return {
    chunks,
    failure: () => failure,
    findings: () => findings,
    abort: async () => inspection?.abort(),
    cleared: async () => cleared,
  };
}

async function accepted(inspection: PackInspection | undefined): Promise<readonly PushFinding[]> {
  const verdict = await inspection?.end();
  if (verdict?.kind === "refused") throw new BodyRefused(403, verdict.why);
  return verdict?.findings ?? [];
}

function split({ held, packFrom }: Judged): { commands: Uint8Array; pack: Uint8Array[] } {
  const read = Buffer.concat(held);
  return { commands: read.subarray(0, packFrom), pack: [read.subarray(packFrom)] };
}

/** Leaves `rest` open when it is left early: a refused push is read on, so that git gets to its answer. */
async function* concat(held: Uint8Array[], rest: Chunks): Chunks {
  for (const chunk of held) if (chunk.length > 0) yield chunk;
  for (let chunk = await rest.next(); !chunk.done; chunk = await rest.next()) yield chunk.value;
}

import type { PushFinding } from "./pack-inspector.ts";

/** Findings of one kind that are named; the others are counted. A person reads no more, and an event of a run names no more. */
export const FINDINGS_MAX = 100;
/** A path in a finding is cut to this, characters. */
export const FINDING_PATH_CHARS_MAX = 400;

/** What was found in one push, bounded whatever the push holds. */
export class FindingList {
  private readonly kinds = new Map<PushFinding["kind"], { named: Map<string, PushFinding>; more: number }>();

  /** The same thing at the same path is kept once; a file may hold several secrets. */
  add(finding: PushFinding): void {
    const path = finding.path.slice(0, FINDING_PATH_CHARS_MAX);
    const key = finding.kind === "secret" ? `${path}\0${finding.what}` : path;
    const found = this.kinds.get(finding.kind) ?? { named: new Map(), more: 0 };
    this.kinds.set(finding.kind, found);
    if (found.named.size < FINDINGS_MAX || found.named.has(key)) found.named.set(key, { ...finding, path });
    else found.more++;
  }

  /** The named ones, and of each kind that has more one that stands for the rest. */
  all(): PushFinding[] {
    return [...this.kinds].flatMap(([kind, { named, more }]) =>
      more === 0
        ? [...named.values()]
        : [...named.values(), { kind, path: "(others)", what: `${more} more like these`, more }],
    );
  }
}

import type { PushPolicy } from "@windshift/contract/push-policy.ts";
import type { InspectionVerdict, PushFinding } from "./pack-inspector.ts";

/** Findings of one kind that are named one by one; a refusal stays readable. */
const NAMED_MAX = 20;
/** A path is cut to this in a sentence, characters. */
const PATH_CHARS_MAX = 200;

/** Holds what was found to the policy of the binding. Every reason of a refusal is named. */
export function decide(findings: readonly PushFinding[], policy: PushPolicy): InspectionVerdict {
  const reasons = [
    ...reason(findings, "own_token", "holds a token of Windshift, which must never be pushed"),
    ...(policy.ci_files === "refuse"
      ? reason(findings, "ci_file", "tells the CI what to run, and this agent may not change that")
      : []),
    ...(policy.protected_files === "refuse"
      ? reason(findings, "protected_file", "is protected, and this agent may not change it")
      : []),
    ...(policy.secrets === "refuse" ? reason(findings, "secret", "seems to hold a credential") : []),
  ];
  if (reasons.length === 0) return { kind: "accepted", findings };
  return { kind: "refused", why: reasons.join("\n"), findings };
}

function reason(findings: readonly PushFinding[], kind: PushFinding["kind"], says: string): string[] {
  const found = findings.filter((finding) => finding.kind === kind && finding.more === undefined);
  const unnamed = findings.find((finding) => finding.kind === kind && finding.more !== undefined)?.more ?? 0;
  const lines = found.slice(0, NAMED_MAX).map(({ path, what }) => `${visiblePath(path)} ${says} (${what})`);
  const others = found.length - lines.length + unnamed;
  return others > 0 ? [...lines, `and ${others} more like these`] : lines;
}

/** A path in a sentence: no control or format characters, not endless. */
function visiblePath(path: string): string {
  const clean = path.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
  return clean.length > PATH_CHARS_MAX ? `${clean.slice(0, PATH_CHARS_MAX)}…` : clean;
}

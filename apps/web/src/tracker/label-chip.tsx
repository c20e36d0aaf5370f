import type { Label } from "@windshift/contract/api/label.ts";

/** A label: its colour stands as a dot beside the word, so any colour can be read. */
export function LabelChip({ label }: { label: Pick<Label, "name" | "color"> }) {
  return (
    <span className="label-chip">
      <LabelDot color={label.color} />
      <span className="label-name">{label.name}</span>
    </span>
  );
}

/** The color of a label, always beside its name: screen readers do not hear of it. */
export function LabelDot({ color }: { color: string }) {
  return <span className="label-dot" style={{ background: color }} aria-hidden />;
}

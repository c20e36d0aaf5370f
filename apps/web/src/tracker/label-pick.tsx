import { IconTag } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Label } from "@windshift/contract/api/label.ts";
import { useState } from "react";
import { labelsQuery } from "../settings/settings-queries.ts";
import { LabelChip, LabelDot } from "./label-chip.tsx";
import { PickList } from "./pick-list.tsx";

/** Chooses the labels of an item. */
export function LabelPick(props: {
  workspace: string;
  labels: readonly Label[];
  onChange(labels: Label[]): void;
  id?: string;
}) {
  const { workspace, labels, onChange, id } = props;
  const [enabled, setEnabled] = useState(false);
  const known = useQuery({ ...labelsQuery(workspace), enabled }).data?.labels ?? [];
  const pick = (value: string) => {
    const label = known.find((one) => String(one.id) === value);
    if (label === undefined) return;
    const without = labels.filter(({ id: other }) => other !== label.id);
    onChange(without.length < labels.length ? without : [...labels, label]);
  };
  return (
    <PickList
      label="Labels"
      named
      options={known.map(({ id: value, name, color }) => ({
        value: String(value),
        text: name,
        icon: <LabelDot color={color} />,
      }))}
      selected={labels.map(({ id: value }) => String(value))}
      onPick={pick}
      onOpen={() => setEnabled(true)}
      multiple
      empty="No labels. An admin adds them in the settings."
      {...(id === undefined ? {} : { id })}
      {...(labels.length === 0 ? { icon: <IconTag size={14} aria-hidden /> } : {})}
    >
      <span className="sr-only">Labels: </span>
      {labels.length === 0 ? (
        <span className="quiet">None</span>
      ) : (
        <span className="label-chips">
          {labels.map((label) => (
            <LabelChip key={label.id} label={label} />
          ))}
        </span>
      )}
    </PickList>
  );
}

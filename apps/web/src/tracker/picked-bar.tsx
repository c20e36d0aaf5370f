import { Button } from "@mantine/core";
import type { WorkItem } from "@windshift/contract/api/work-item.ts";
import { sayDone } from "../shell/notices.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { PRIORITY_CHOICES, STATUS_CHOICES } from "./item-choices.tsx";
import { type ItemChange, priorityChange, statusChange, useItemChange } from "./item-writes.ts";
import { PickList } from "./pick-list.tsx";

/** What can be done with all items that were picked; stands at the foot of the list while some are. */
export function PickedBar({ items, onClear }: { items: readonly WorkItem[]; onClear(): void }) {
  const change = useItemChange();
  useShortcuts(
    items.length === 0 ? [] : [{ keys: "Escape", does: "Pick nothing", group: "List", run: onClear }],
  );
  if (items.length === 0) return null;
  const all = async (make: (item: WorkItem) => ItemChange) => {
    // All are shown at once and sent one after the other; each failure is said by itself, and the lists are read anew at the end.
    const ends = await Promise.allSettled(items.map((item) => change.mutateAsync(make(item))));
    const changed = ends.filter(({ status }) => status === "fulfilled").length;
    if (changed > 0) sayDone(changed === 1 ? "1 item was changed." : `${changed} items were changed.`);
    onClear();
  };
  return (
    <section className="picked-bar" aria-label="Picked items">
      <b aria-live="polite">{items.length} picked</b>
      <PickList
        label="Set status"
        variant="default"
        options={STATUS_CHOICES}
        selected={[]}
        onPick={(value) => {
          const status = STATUS_CHOICES.find((choice) => choice.value === value)?.value;
          if (status !== undefined) void all((item) => statusChange(item, status));
        }}
      >
        Status
      </PickList>
      <PickList
        label="Set priority"
        variant="default"
        options={PRIORITY_CHOICES}
        selected={[]}
        onPick={(value) => {
          const priority = PRIORITY_CHOICES.find((choice) => choice.value === value)?.value;
          if (priority !== undefined) void all((item) => priorityChange(item, priority));
        }}
      >
        Priority
      </PickList>
      <Button variant="subtle" color="gray" size="compact-sm" onClick={onClear}>
        Clear
      </Button>
    </section>
  );
}

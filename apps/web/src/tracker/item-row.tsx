import { Checkbox } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { WorkItem } from "@windshift/contract/api/work-item.ts";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { ActiveRun } from "./active-run.tsx";
import { LabelChip } from "./label-chip.tsx";
import { PriorityIcon } from "./priority-icon.tsx";
import { StatusIcon } from "./status-icon.tsx";

/** Labels a row shows; of more it says how many. */
const LABELS_SHOWN = 3;

/** One item in a list, with what tells it from the others. The whole row leads to its page. */
export function ItemRow(props: {
  item: WorkItem;
  /** Whether it is picked for a change of several; undefined where that cannot be. */
  picked?: boolean | undefined;
  onPick?(): void;
  onFocus?(): void;
}) {
  const { item, picked, onPick, onFocus } = props;
  const more = item.labels.length - LABELS_SHOWN;
  return (
    <div className={picked ? "item-row item-picked" : "item-row"}>
      {picked !== undefined && (
        <Checkbox
          size="xs"
          checked={picked}
          onChange={onPick}
          aria-label={`Pick ${item.key}`}
          className="item-check"
        />
      )}
      <PriorityIcon priority={item.priority} named />
      <span className="item-key">{item.key}</span>
      <StatusIcon status={item.status} named />
      <Link to={paths.item(item.key)} className="item-link" data-item={item.key} onFocus={onFocus}>
        {visibleText(item.title)}
      </Link>
      <span className="item-facts">
        <ActiveRun run={item.active_run} />
        {item.children_count > 0 && (
          <span className="quiet" title="Sub-items that are done">
            {item.children_done_count}/{item.children_count}
          </span>
        )}
        {item.labels.slice(0, LABELS_SHOWN).map((label) => (
          <LabelChip key={label.id} label={label} />
        ))}
        {more > 0 && <span className="quiet">+{more}</span>}
        {item.assignee !== null && (
          <span className="item-assignee">
            <PersonName user={item.assignee} />
          </span>
        )}
        <span className="item-time quiet">
          <TimeText at={item.updated_at} />
        </span>
      </span>
    </div>
  );
}

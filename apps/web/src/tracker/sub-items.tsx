import { Progress } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { Button } from "../parts/button.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { openOverlay } from "../shell/overlay.ts";
import { PlainLink } from "./plain-link.tsx";
import { StatusIcon } from "./status-icon.tsx";

/** The items that lie under an item, and how many of them are done. */
export function SubItems({ item, mayChange }: { item: WorkItemDetail; mayChange: boolean }) {
  const { children, children_count: count, children_done_count: done } = item;
  const add = () => openOverlay({ kind: "new-item", workspace: item.workspace, parent: item.key });
  if (count === 0 && !mayChange) return null;
  return (
    <section aria-labelledby="children-title" className="sub-items">
      <div className="side-head">
        <h2 id="children-title">
          Sub-items{count > 0 && <span className="quiet"> {`${done} of ${count} done`}</span>}
        </h2>
        {mayChange && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={add}
          >
            Add sub-item
          </Button>
        )}
      </div>
      {count > 0 && (
        <Progress value={(100 * done) / count} size="xs" mb="xs" aria-label={`${done} of ${count} done`} />
      )}
      <ul className="sub-list">
        {children.map((child) => (
          <li key={child.key}>
            <StatusIcon status={child.status} named />
            <Link to={paths.item(child.key)} className="sub-link">
              <span className="item-key">{child.key}</span> {visibleText(child.title)}
            </Link>
            {child.assignee !== null && (
              <span className="quiet">
                <PersonName user={child.assignee} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {count > children.length && (
        <PlainLink to={`${paths.items(item.workspace)}?parent=${item.key}`}>{`Show all ${count}`}</PlainLink>
      )}
    </section>
  );
}

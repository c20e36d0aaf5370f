import type { Agent } from "@windshift/contract/api/agent.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { Role } from "@windshift/contract/api/workspace.ts";
import { UserId } from "@windshift/contract/ids.ts";
import { type ReactNode, useState } from "react";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { paths } from "../paths.ts";
import { AssignAgentDialog } from "./assign-agent-dialog.tsx";
import { AssigneePick } from "./assignee-pick.tsx";
import { PRIORITY_CHOICES, STATUS_CHOICES } from "./item-choices.tsx";
import { ItemLinks } from "./item-links.tsx";
import { ItemPick } from "./item-pick.tsx";
import { labelsChange, priorityChange, statusChange, useItemChange } from "./item-writes.ts";
import { LabelChip } from "./label-chip.tsx";
import { LabelPick } from "./label-pick.tsx";
import { LinkedPages } from "./linked-pages.tsx";
import { PickMenu } from "./pick-menu.tsx";
import { PlainLink } from "./plain-link.tsx";

/** What an item is, beside its text: everything is changed where it stands, by those who may. */
export function ItemSide({ item, role }: { item: WorkItemDetail; role: Role }) {
  const mayChange = role !== "viewer";
  const change = useItemChange();
  const [agent, setAgent] = useState<Agent>();
  return (
    <aside className="item-side" aria-label="Properties">
      <dl className="properties">
        <Property name="Status">
          <PickMenu
            id="item-status"
            label="Status"
            value={item.status}
            choices={STATUS_CHOICES}
            onPick={(status) => change.mutate(statusChange(item, status))}
            disabled={!mayChange}
          />
        </Property>
        <Property name="Priority">
          <PickMenu
            id="item-priority"
            label="Priority"
            value={item.priority}
            choices={PRIORITY_CHOICES}
            onPick={(priority) => change.mutate(priorityChange(item, priority))}
            disabled={!mayChange}
          />
        </Property>
        <Property name="Assignee">
          {mayChange ? (
            <AssigneePick
              id="item-assignee"
              workspace={item.workspace}
              assignee={item.assignee}
              onPick={(assignee, picked) =>
                picked === undefined
                  ? change.mutate({ item, patch: { assignee_id: assigneeId(assignee) }, shown: { assignee } })
                  : setAgent(picked)
              }
            />
          ) : item.assignee === null ? (
            <span className="picked quiet">Nobody</span>
          ) : (
            <span className="picked">
              <PersonName user={item.assignee} />
            </span>
          )}
        </Property>
        <Property name="Labels">
          {mayChange ? (
            <LabelPick
              id="item-labels"
              workspace={item.workspace}
              labels={item.labels}
              onChange={(labels) => change.mutate(labelsChange(item, labels))}
            />
          ) : (
            <span className="picked label-chips">
              {item.labels.length === 0 && <span className="quiet">None</span>}
              {item.labels.map((label) => (
                <LabelChip key={label.id} label={label} />
              ))}
            </span>
          )}
        </Property>
        <Property name="Parent">
          {mayChange && (
            <ItemPick
              label={item.parent === null ? "Parent: none" : `Change the parent ${item.parent.key}`}
              workspace={item.workspace}
              except={item.key}
              selected={item.parent}
              onPick={(parent) =>
                change.mutate({ item, patch: { parent_key: parent?.key ?? null }, shown: { parent } })
              }
            >
              {item.parent === null ? <span className="quiet">None</span> : "Change"}
            </ItemPick>
          )}
          {item.parent !== null && (
            <span className="picked">
              <PlainLink to={paths.item(item.parent.key)}>
                {item.parent.key} {item.parent.title}
              </PlainLink>
            </span>
          )}
          {item.parent === null && !mayChange && <span className="picked quiet">None</span>}
        </Property>
      </dl>
      <ItemLinks item={item} />
      <LinkedPages item={item} mayChange={mayChange} />
      <p className="note item-made">
        Created by {item.creator.name} <TimeText at={item.created_at} />, changed{" "}
        <TimeText at={item.updated_at} />
      </p>
      {agent !== undefined && (
        <AssignAgentDialog item={item} agent={agent} onClose={() => setAgent(undefined)} />
      )}
    </aside>
  );
}

function assigneeId(user: { id: string } | null) {
  return user === null ? null : UserId.parse(user.id);
}

function Property({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="property">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

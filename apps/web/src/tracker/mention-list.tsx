import { IconRobot, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Member } from "@windshift/contract/api/workspace.ts";
import { type KeyboardEvent, type RefObject, useId, useLayoutEffect, useRef, useState } from "react";
import { membersQuery } from "../settings/settings-queries.ts";
import { type HalfHandle, halfHandle, offerMembers, withHandle } from "./caller-names.ts";

export interface Mentions {
  offered: readonly Member[];
  chosen: number;
  listId: string;
  /** Looks again at what stands before the cursor. */
  look(): void;
  close(): void;
  take(member: Member): void;
  /** @returns whether the key was for the list */
  press(event: KeyboardEvent): boolean;
  fieldProps: Record<string, string | undefined>;
}

/** Members and agents that are offered while an `@` and the start of a name are written into a field. */
export function useMentions(
  workspace: string | undefined,
  field: RefObject<HTMLTextAreaElement | null>,
  value: string,
  onChange: (text: string) => void,
): Mentions {
  const [half, setHalf] = useState<HalfHandle>();
  // Who there is matters from the first `@` on.
  const enabled = workspace !== undefined && half !== undefined;
  const members = useQuery({ ...membersQuery(workspace ?? ""), enabled }).data?.members;
  const [chosen, setChosen] = useState(0);
  const cursor = useRef<number>(undefined);
  const listId = useId();
  // After React has put the new text in, as the browser moves the cursor to its end.
  useLayoutEffect(() => {
    if (cursor.current === undefined) return;
    field.current?.setSelectionRange(cursor.current, cursor.current);
    cursor.current = undefined;
  });
  const offered = half === undefined || members === undefined ? [] : offerMembers(members, half.typed);
  const open = offered.length > 0;
  const close = () => setHalf(undefined);
  const look = () => {
    const { current } = field;
    if (current === null || workspace === undefined) return;
    setHalf(halfHandle(current.value, current.selectionStart));
    setChosen(0);
  };
  const take = (member: Member) => {
    if (half === undefined) return;
    const next = withHandle(value, half, member.handle);
    cursor.current = next.cursor;
    onChange(next.text);
    close();
  };
  const press = (event: KeyboardEvent): boolean => {
    const member = offered[chosen];
    if (!open || member === undefined || event.ctrlKey || event.metaKey) return false;
    // Enter ends a word of an input method first.
    if (event.nativeEvent.isComposing) return false;
    if (event.key === "ArrowDown") setChosen((chosen + 1) % offered.length);
    else if (event.key === "ArrowUp") setChosen((chosen + offered.length - 1) % offered.length);
    else if (event.key === "Enter" || event.key === "Tab") take(member);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const fieldProps = {
    "aria-autocomplete": workspace === undefined ? undefined : "list",
    "aria-controls": open ? listId : undefined,
    "aria-activedescendant": open ? `${listId}-${chosen}` : undefined,
  };
  return { offered, chosen, listId, look, close, take, press, fieldProps };
}

/** Who may be meant by the half handle in a text field, below that field; nothing while nobody fits. */
export function MentionList({ mentions }: { mentions: Mentions }) {
  const { offered, chosen, listId, take } = mentions;
  if (offered.length === 0) return null;
  return (
    <div className="mentions" role="listbox" id={listId} aria-label="People and agents">
      {offered.map((member, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the field keeps the focus and its keys choose.
        <div
          key={member.user_id}
          id={`${listId}-${index}`}
          role="option"
          aria-selected={index === chosen}
          className="mention"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(member)}
        >
          {member.kind === "agent" ? <IconRobot size={14} aria-hidden /> : <IconUser size={14} aria-hidden />}
          {member.name}
          <span className="quiet">@{member.handle}</span>
        </div>
      ))}
    </div>
  );
}

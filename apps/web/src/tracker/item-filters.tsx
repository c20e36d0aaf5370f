import { Button, TextInput, VisuallyHidden } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconFilterOff, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ItemQuery, ItemSort } from "@windshift/contract/api/work-item.ts";
import { SEARCH_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useEffect, useRef, useState } from "react";
import { useMe } from "../api/me.ts";
import { MenuButton } from "../parts/menu-button.tsx";
import { labelsQuery, membersQuery } from "../settings/settings-queries.ts";
import { useShortcuts } from "../shell/shortcuts.ts";
import { PRIORITY_CHOICES, STATUS_CHOICES } from "./item-choices.tsx";
import { type Grouping, isFiltered, type ListFilter, toggled, unfiltered } from "./item-filter.ts";
import { LabelDot } from "./label-chip.tsx";
import { type Option, PickList } from "./pick-list.tsx";

/** How long the search waits for more letters, ms. */
const TYPING_MS = 250;

const SORTS: Record<ItemSort, string> = {
  created: "Newest",
  updated: "Last changed",
  priority: "Priority",
};

/** What narrows a list or board down. All of it stands in the address, so it can be kept, sent and saved as a view. */
export function ItemFilters(props: {
  workspace: string;
  query: ItemQuery;
  onChange(query: ItemQuery): void;
  /** Only of a list. */
  grouping?: Grouping;
  onGroup?(grouping: Grouping): void;
  /** A board has a column for each status anyway. */
  withStatus?: boolean;
}) {
  const { workspace, query, onChange, grouping, onGroup, withStatus = true } = props;
  const [opened, setOpened] = useState(false);
  // Their names are needed where a filter is set, and to choose one.
  const options = useFilterOptions(workspace, opened || isFiltered(query));
  const filters: [ListFilter, string][] = [
    ...(withStatus ? [["status", "Status"] as [ListFilter, string]] : []),
    ["assignee", "Assignee"],
    ["label", "Label"],
    ["priority", "Priority"],
  ];
  return (
    <search className="filters" aria-label="Filters">
      <SearchField query={query} onChange={onChange} />
      {filters.map(([name, text]) => {
        const values: string[] = query[name] ?? [];
        return (
          <PickList
            key={name}
            variant="default"
            label={text}
            named
            options={options[name]}
            selected={values}
            onPick={(value) => onChange(toggled(query, name, value))}
            onOpen={() => setOpened(true)}
            multiple
          >
            {text}
            {values.length > 0 && (
              <>
                <VisuallyHidden>: </VisuallyHidden>
                <b className="filter-value">{textOf(options[name], values)}</b>
              </>
            )}
          </PickList>
        );
      })}
      {query.parent !== undefined && (
        <Button
          variant="default"
          size="compact-sm"
          onClick={() => onChange(toggled(query, "parent", query.parent?.[0] ?? ""))}
          aria-label={`Under ${query.parent.join(", ")}: take this filter away`}
        >
          Under {query.parent.join(", ")} ✕
        </Button>
      )}
      {isFiltered(query) && (
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconFilterOff size={14} aria-hidden />}
          onClick={() => onChange(unfiltered(query))}
        >
          Clear
        </Button>
      )}
      <Display query={query} onChange={onChange} grouping={grouping} onGroup={onGroup} />
    </search>
  );
}

function SearchField({ query, onChange }: { query: ItemQuery; onChange(query: ItemQuery): void }) {
  const [text, setText] = useState(query.q ?? "");
  const field = useRef<HTMLInputElement>(null);
  const latest = useRef(query);
  latest.current = query;
  const send = useDebouncedCallback((q: string) => {
    const { q: _q, ...rest } = latest.current;
    onChange(q.trim() === "" ? rest : { ...rest, q: q.trim() });
  }, TYPING_MS);
  useEffect(() => {
    // A view, the way back or `Clear` changed it; what is being typed is not touched.
    if (document.activeElement !== field.current) setText(query.q ?? "");
  }, [query.q]);
  useShortcuts([{ keys: "/", does: "Search", group: "List", run: () => field.current?.focus() }]);
  return (
    <TextInput
      ref={field}
      size="xs"
      type="search"
      className="filter-search"
      aria-label="Search"
      placeholder="Search"
      maxLength={SEARCH_CHARS_MAX}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        send(event.currentTarget.value);
      }}
      onKeyDown={(event) => event.key === "Escape" && field.current?.blur()}
    />
  );
}

function Display(props: {
  query: ItemQuery;
  onChange(query: ItemQuery): void;
  grouping: Grouping | undefined;
  onGroup: ((grouping: Grouping) => void) | undefined;
}) {
  const { query, onChange, grouping, onGroup } = props;
  return (
    <MenuButton
      align="end"
      lines={() => [
        { kind: "label", text: "Order" },
        ...ItemSort.options.map((sort) => ({
          kind: "radio" as const,
          text: SORTS[sort],
          on: (query.sort ?? "created") === sort,
          run: () => onChange({ ...query, sort }),
          stays: true,
        })),
        {
          kind: "check",
          text: "The other way round",
          on: query.order === "asc",
          run: () => onChange({ ...query, order: query.order === "asc" ? "desc" : "asc" }),
          stays: true,
        },
        ...(grouping === undefined
          ? []
          : ([
              { kind: "line" },
              {
                kind: "check",
                text: "Grouped by status",
                on: grouping === "status",
                run: () => onGroup?.(grouping === "status" ? "none" : "status"),
                stays: true,
              },
            ] as const)),
      ]}
    >
      <IconAdjustmentsHorizontal size={14} aria-hidden />
      Display
    </MenuButton>
  );
}

function textOf(options: readonly Option[], values: readonly string[]): string {
  return values.map((value) => options.find((option) => option.value === value)?.text ?? value).join(", ");
}

function useFilterOptions(workspace: string, enabled: boolean): Record<ListFilter, Option[]> {
  const me = useMe();
  const members = useQuery({ ...membersQuery(workspace), enabled }).data?.members ?? [];
  const labels = useQuery({ ...labelsQuery(workspace), enabled }).data?.labels ?? [];
  const people = [
    { value: "me", text: "Me" },
    { value: "none", text: "Nobody" },
    ...members
      .filter(({ user_id }) => user_id !== me.id)
      .map((one) => ({ value: one.user_id, text: one.name })),
  ];
  return {
    status: [...STATUS_CHOICES],
    priority: [...PRIORITY_CHOICES],
    assignee: people,
    creator: people,
    label: [
      { value: "none", text: "No label" },
      ...labels.map(({ id, name, color }) => ({
        value: String(id),
        text: name,
        icon: <LabelDot color={color} />,
      })),
    ],
    parent: [],
  };
}

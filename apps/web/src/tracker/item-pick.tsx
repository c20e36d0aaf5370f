import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import type { ItemRef } from "@windshift/contract/api/work-item.ts";
import { type ReactNode, useState } from "react";
import { itemSearchQuery } from "./item-queries.ts";
import { type Option, PickList } from "./pick-list.tsx";
import { StatusIcon } from "./status-icon.tsx";

/** How long a search waits for more letters, ms. */
const TYPING_MS = 200;
const NONE = "";

/** Chooses another item of the workspace by key or words. */
export function ItemPick(props: {
  label: string;
  workspace: string;
  /** Not offered: an item is not under itself. */
  except?: string | undefined;
  selected: ItemRef | null;
  onPick(item: ItemRef | null): void;
  children: ReactNode;
}) {
  const { label, workspace, except, selected, onPick, children } = props;
  const [enabled, setEnabled] = useState(false);
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search, TYPING_MS);
  const found = useQuery({ ...itemSearchQuery(workspace, asked), enabled }).data?.items ?? [];
  const options: Option[] = [
    ...(selected === null || search !== "" ? [] : [{ value: NONE, text: "None" }]),
    ...found
      .filter(({ key }) => key !== except)
      .map(({ key, title, status }) => ({
        value: key,
        text: `${key} ${title}`,
        icon: <StatusIcon status={status} />,
      })),
  ];
  return (
    <PickList
      label={label}
      options={options}
      selected={selected === null ? [] : [selected.key]}
      onPick={(key) => onPick(found.find((item) => item.key === key) ?? null)}
      onSearch={setSearch}
      onOpen={() => setEnabled(true)}
    >
      {children}
    </PickList>
  );
}

import { useDebouncedValue } from "@mantine/hooks";
import { IconFileText } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Page } from "@windshift/contract/api/page.ts";
import { type ReactNode, useState } from "react";
import { pageSearchQuery } from "./page-queries.ts";
import { PickList } from "./pick-list.tsx";

/** How long a search waits for more letters, ms. */
const TYPING_MS = 200;

/** Chooses a page of the workspace by the words in it. */
export function PagePick(props: {
  label: string;
  workspace: string;
  except?: readonly number[];
  onPick(page: Page): void;
  children: ReactNode;
}) {
  const { label, workspace, except = [], onPick, children } = props;
  const [enabled, setEnabled] = useState(false);
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search, TYPING_MS);
  const found = useQuery({ ...pageSearchQuery(workspace, asked), enabled }).data?.pages ?? [];
  return (
    <PickList
      label={label}
      options={found
        .filter(({ id }) => !except.includes(id))
        .map(({ id, title }) => ({
          value: String(id),
          text: title,
          icon: <IconFileText size={14} aria-hidden />,
        }))}
      selected={[]}
      onPick={(value) => {
        const page = found.find(({ id }) => String(id) === value);
        if (page !== undefined) onPick(page);
      }}
      onSearch={setSearch}
      onOpen={() => setEnabled(true)}
      empty="No page found"
    >
      {children}
    </PickList>
  );
}

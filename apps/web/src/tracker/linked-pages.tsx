import { ActionIcon } from "@mantine/core";
import { IconFileText, IconPlus, IconX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { sendApi } from "../api/api.ts";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { sayFailed } from "../shell/notices.tsx";
import { refreshItem } from "./item-writes.ts";
import { PagePick } from "./page-pick.tsx";
import { PlainLink } from "./plain-link.tsx";

/** Documents that belong to an item: an agent that works on it gets them to read. */
export function LinkedPages({ item, mayChange }: { item: WorkItemDetail; mayChange: boolean }) {
  const client = useQueryClient();
  const send = (method: "PUT" | "DELETE", page: number) =>
    sendApi(method, `/api/v1/items/${item.key}/pages/${page}`).then(async () => {
      await refreshItem(client, item.workspace, item.key);
      await client.invalidateQueries({ queryKey: ["page", page] });
    }, sayFailed);
  return (
    <section aria-labelledby="pages-title" className="side-section">
      <div className="side-head">
        <h2 id="pages-title">Linked pages</h2>
        {mayChange && (
          <PagePick
            label="Link a page"
            workspace={item.workspace}
            except={item.linked_pages.map(({ id }) => id)}
            onPick={({ id }) => void send("PUT", id)}
          >
            <IconPlus size={14} aria-hidden />
          </PagePick>
        )}
      </div>
      {item.linked_pages.length === 0 && <p className="quiet">None. Agents read the pages linked here.</p>}
      <ul className="side-list">
        {item.linked_pages.map(({ id, title }) => (
          <li key={id}>
            <IconFileText size={14} aria-hidden />
            <span>
              <PlainLink to={paths.page(item.workspace, id)}>{visibleText(title)}</PlainLink>
            </span>
            {mayChange && (
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                onClick={() => void send("DELETE", id)}
                aria-label={`Take away the link to ${title}`}
              >
                <IconX size={14} aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

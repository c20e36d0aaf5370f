import { IconBell, IconBellOff } from "@tabler/icons-react";
import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Following } from "@windshift/contract/api/notification.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { Role } from "@windshift/contract/api/workspace.ts";
import { WorkItemKey } from "@windshift/contract/ids.ts";
import { callApi, sendApi } from "../api/api.ts";
import { useMe, useRole } from "../api/me.ts";
import { Button } from "../parts/button.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Later } from "../parts/later.tsx";
import { paths } from "../paths.ts";
import { ItemRuns } from "../runs/item-runs.tsx";
import { NotFoundPage } from "../shell/error-page.tsx";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { ItemDescription } from "./item-description.tsx";
import { itemQuery } from "./item-queries.ts";
import { readStory } from "./item-reads.ts";
import { ItemSide } from "./item-side.tsx";
import { ItemStory } from "./item-story.tsx";
import { ItemTitle } from "./item-title.tsx";
import { useLiveItems } from "./live-items.ts";
import { PlainLink } from "./plain-link.tsx";
import { SubItems } from "./sub-items.tsx";

/** Everything about one item: its text, its runs, what was said and what happened. */
export function ItemPage() {
  const { item: param } = useParams({ strict: false }) as { item?: string };
  const key = WorkItemKey.safeParse(param);
  if (!key.success) return <NotFoundPage />;
  return <Item key={key.data} itemKey={key.data} />;
}

function Item({ itemKey }: { itemKey: string }) {
  const { data: item } = useSuspenseQuery(itemQuery(itemKey));
  const role = useRole(item.workspace) ?? "viewer";
  const mayChange = role !== "viewer";
  useLiveItems(item.workspace);
  useItemKeys(mayChange);
  return (
    <div className="item-page">
      <header className="item-head">
        <nav aria-label="Where this item is" className="item-crumbs">
          <PlainLink to={paths.items(item.workspace)}>{item.workspace}</PlainLink>
          <span aria-hidden> / </span>
          {item.parent !== null && (
            <>
              <PlainLink to={paths.item(item.parent.key)}>{item.parent.key}</PlainLink>
              <span aria-hidden> / </span>
            </>
          )}
          <span className="item-key">{item.key}</span>
        </nav>
        <ItemActions item={item} role={role} />
      </header>
      <div className="item-columns">
        <div className="item-main">
          <ItemTitle item={item} mayChange={mayChange} />
          <ItemDescription item={item} mayChange={mayChange} />
          <SubItems item={item} mayChange={mayChange} />
        </div>
        <ItemSide item={item} role={role} />
        <div className="item-rest">
          <ItemRuns itemKey={item.key} role={role} />
          <Later read={() => readStory(item.key)}>
            <ItemStory item={item} role={role} />
          </Later>
        </div>
      </div>
    </div>
  );
}

function ItemActions({ item, role }: { item: WorkItemDetail; role: Role }) {
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const follow = () =>
    callApi(item.following ? "DELETE" : "PUT", `/api/v1/items/${item.key}/follow`, Following).then(
      ({ following }) => {
        client.setQueryData(itemQuery(item.key).queryKey, (now) => now && { ...now, following });
        sayDone(following ? `You hear of what happens to ${item.key}.` : `You hear no more of ${item.key}.`);
      },
      sayFailed,
    );
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/items/${item.key}`);
    await navigate({ to: paths.items(item.workspace) });
    client.removeQueries({ queryKey: itemQuery(item.key).queryKey });
    await client.invalidateQueries({ queryKey: ["items"] });
    sayDone(`${item.key} was deleted.`);
  };
  const mayDelete = role === "admin" || (role === "member" && item.creator.id === me.id);
  return (
    <div className="in-row">
      <Button
        variant="default"
        size="compact-sm"
        onClick={() => void follow()}
        leftSection={
          item.following ? <IconBellOff size={14} aria-hidden /> : <IconBell size={14} aria-hidden />
        }
      >
        {item.following ? "Unfollow" : "Follow"}
      </Button>
      {mayDelete && (
        <ConfirmButton
          label="Delete"
          title={`Delete ${item.key}?`}
          verb="Delete item"
          size="compact-sm"
          onConfirm={remove}
        >
          Its text, comments and activity go with it. What its agents pushed and their pull requests stay.
        </ConfirmButton>
      )}
    </div>
  );
}

function useItemKeys(mayChange: boolean): void {
  const press = (id: string) => () => document.querySelector<HTMLElement>(`[data-pick="${id}"]`)?.click();
  const group = "Item";
  useShortcuts(
    mayChange
      ? [
          { keys: "s", does: "Set the status", group, run: press("item-status") },
          { keys: "p", does: "Set the priority", group, run: press("item-priority") },
          { keys: "a", does: "Assign somebody", group, run: press("item-assignee") },
          { keys: "l", does: "Choose labels", group, run: press("item-labels") },
        ]
      : [],
  );
}

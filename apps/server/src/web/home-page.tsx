/** @jsxImportSource hono/jsx */
import { Me } from "@windshift/contract/api/user.ts";
import { type WorkItem, WorkItemPage } from "@windshift/contract/api/work-item.ts";
import { allows } from "@windshift/contract/api/workspace.ts";
import { DESCRIPTION_BYTES_MAX, TITLE_CHARS_MAX } from "@windshift/contract/limits.ts";
import { ItemBadge, UserName } from "./badge.tsx";
import { Field, FormError } from "./form-field.tsx";
import { Layout } from "./layout.tsx";
import type { PageApi } from "./page-api.ts";
import { POOLS_PATH } from "./pool-paths.ts";
import { settingsPath } from "./settings-frame.tsx";
import { Time } from "./time-text.tsx";

/** Items shown of each workspace. */
const ITEMS_MAX = 50;

type HomeWorkspace = Me["workspaces"][number] & { items: WorkItem[]; more: boolean };

export interface Home {
  me: Me;
  workspaces: HomeWorkspace[];
}

export async function readHome(api: PageApi): Promise<Home> {
  const me = await api.get("/api/v1/me", Me);
  const workspaces = await Promise.all(
    me.workspaces.map(async (workspace) => {
      const path = `/api/v1/workspaces/${workspace.key}/items?limit=${ITEMS_MAX}`;
      const { items, next_before } = await api.get(path, WorkItemPage);
      return { ...workspace, items, more: next_before !== null };
    }),
  );
  return { me, workspaces };
}

/** The person's workspaces and the newest items of each. */
export function HomePage({ me, workspaces }: Home) {
  return (
    <Layout title="Work items" person={me}>
      <div class="wide-page">
        <div class="section-head">
          <h1>Work items</h1>
          {me.admin && (
            <a class="small" href={POOLS_PATH}>
              Runners
            </a>
          )}
        </div>
        {workspaces.length === 0 && <NoWorkspace admin={me.admin} />}
        {workspaces.map((workspace) => (
          <section class="workspace" aria-labelledby={`workspace-${workspace.key}`}>
            <div class="section-head">
              <h2 id={`workspace-${workspace.key}`}>
                {workspace.name} <span class="key">{workspace.key}</span>
              </h2>
              {allows(workspace.role, "admin") && (
                <a
                  class="small"
                  href={settingsPath(workspace.key)}
                  aria-label={`Settings of ${workspace.name}`}
                >
                  Settings
                </a>
              )}
            </div>
            {allows(workspace.role, "member") && <NewItem workspace={workspace.key} />}
            <ItemList items={workspace.items} />
            {workspace.more && <p class="muted small">The newest {ITEMS_MAX} are shown.</p>}
          </section>
        ))}
      </div>
    </Layout>
  );
}

function NoWorkspace({ admin }: { admin: boolean }) {
  if (!admin)
    return <p class="empty">You are not a member of a workspace yet. Ask an administrator to add you.</p>;
  return (
    <form class="card stack" method="post" data-api="/api/v1/workspaces" data-then="reload">
      <h2>Make the first workspace</h2>
      <FormError />
      <Field id="workspace-name" name="name" label="Name">
        <input id="workspace-name" name="name" type="text" required />
      </Field>
      <Field
        id="workspace-key"
        name="key"
        label="Key"
        hint="2 to 10 capital letters or digits; items are called KEY-1."
      >
        <input id="workspace-key" name="key" type="text" required aria-describedby="workspace-key-hint" />
      </Field>
      <button type="submit" class="primary">
        Create workspace
      </button>
    </form>
  );
}

function NewItem({ workspace }: { workspace: string }) {
  const id = `new-${workspace}`;
  return (
    <details class="new-item">
      <summary>New item</summary>
      <form
        class="stack"
        method="post"
        data-api={`/api/v1/workspaces/${workspace}/items`}
        data-then="/items/{key}"
      >
        <FormError />
        <Field id={`${id}-title`} name="title" label="Title">
          <input id={`${id}-title`} name="title" type="text" required maxlength={TITLE_CHARS_MAX} />
        </Field>
        <Field
          id={`${id}-description`}
          name="description"
          label="Description"
          hint="Markdown. The agent reads it."
        >
          <textarea
            id={`${id}-description`}
            name="description"
            rows={5}
            maxlength={DESCRIPTION_BYTES_MAX}
            aria-describedby={`${id}-description-hint`}
          ></textarea>
        </Field>
        <button type="submit" class="primary">
          Create item
        </button>
      </form>
    </details>
  );
}

function ItemList({ items }: { items: readonly WorkItem[] }) {
  if (items.length === 0) return <p class="empty">No items yet.</p>;
  return (
    <ul class="items">
      {items.map((item) => (
        <li>
          <span class="key">{item.key}</span>
          <a class="item-title" href={`/items/${item.key}`}>
            {item.title}
          </a>
          <ItemBadge status={item.status} />
          <span class="item-assignee">
            {item.assignee ? <UserName user={item.assignee} /> : <span class="muted">Nobody</span>}
          </span>
          <span class="muted item-time">
            <Time at={item.updated_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

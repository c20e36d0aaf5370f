/** @jsxImportSource hono/jsx */
import type { ItemLink, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import type { Member } from "@windshift/contract/api/workspace.ts";
import { ITEM_STATUS_TEXT, ItemBadge, UserName } from "./badge.tsx";
import { Field, FormError } from "./form-field.tsx";
import type { ItemView } from "./item-page.tsx";
import { SyncProblem } from "./run-list.tsx";
import { Time } from "./time-text.tsx";

/** Status, assignee and links, beside the item or below its title. */
export function ItemSide({ view, baseUrl }: { view: ItemView; baseUrl: string }) {
  const { item } = view;
  return (
    <aside class="split-side" aria-label="Properties">
      <section id="item-links" data-refresh class="side-block">
        <h2>Pull requests</h2>
        <Links links={item.links} runs={view.runs} baseUrl={baseUrl} />
      </section>
      <section id="item-properties" data-refresh class="side-block">
        <h2>Properties</h2>
        <dl class="properties">
          <dt>Status</dt>
          <dd>
            <ItemBadge status={item.status} />
          </dd>
          <dt>Assignee</dt>
          <dd>{item.assignee ? <UserName user={item.assignee} /> : <span class="muted">Nobody</span>}</dd>
          <dt>Updated</dt>
          <dd>
            <Time at={item.updated_at} />
          </dd>
        </dl>
      </section>
      {view.mayChange && <AssignForm item={item} members={view.members} />}
      {view.mayChange && <StatusForm item={item} />}
    </aside>
  );
}

function Links(props: { links: readonly ItemLink[]; runs: ItemView["runs"]; baseUrl: string }) {
  const { links, runs, baseUrl } = props;
  if (links.length === 0) return <p class="muted small">None yet.</p>;
  const pullOf = (runId: number | null) => runs.find(({ id }) => id === runId)?.pull_request ?? null;
  return (
    <ul class="links">
      {links.map((link) => (
        <li>
          <Link link={link} baseUrl={baseUrl} />
          {link.run_id !== null && <span class="muted small">from run {link.run_id}</span>}
          <SyncProblem pull={pullOf(link.run_id)} />
        </li>
      ))}
    </ul>
  );
}

/** Our own pages stay on the address the reader came by. A link is stored text: one that would run script is only shown. */
function Link({ link, baseUrl }: { link: ItemLink; baseUrl: string }) {
  const href = link.url.startsWith(`${baseUrl}/`) ? link.url.slice(baseUrl.length) : link.url;
  const safe = /^\/(?!\/)/.test(href) || /^https?:\/\//i.test(href);
  return safe ? (
    <a href={href} rel="noopener noreferrer">
      {link.title}
    </a>
  ) : (
    <span>{link.title}</span>
  );
}

function AssignForm({ item, members }: { item: WorkItemDetail; members: readonly Member[] }) {
  const agents = members.filter((member) => member.kind === "agent");
  const people = members.filter((member) => member.kind === "person");
  const option = (member: Member) => (
    <option value={member.user_id} selected={member.user_id === item.assignee?.id}>
      {member.name}
    </option>
  );
  return (
    <form
      class="side-block stack"
      method="post"
      data-api={`/api/v1/items/${item.key}`}
      data-method="PATCH"
      data-then="refresh"
    >
      <FormError />
      <Field id="assignee" name="assignee_id" label="Assign to" hint="Assigning an agent starts a run.">
        <select id="assignee" name="assignee_id" data-empty="null" aria-describedby="assignee-hint">
          <option value="" selected={item.assignee === null}>
            Nobody
          </option>
          {agents.length > 0 && <optgroup label="Agents">{agents.map(option)}</optgroup>}
          <optgroup label="People">{people.map(option)}</optgroup>
        </select>
      </Field>
      <button type="submit">Assign</button>
    </form>
  );
}

function StatusForm({ item }: { item: WorkItemDetail }) {
  return (
    <form
      class="side-block stack"
      method="post"
      data-api={`/api/v1/items/${item.key}`}
      data-method="PATCH"
      data-then="refresh"
    >
      <FormError />
      <Field id="status" name="status" label="Set status">
        <select id="status" name="status">
          {WorkItemStatus.options.map((status) => (
            <option value={status} selected={status === item.status}>
              {ITEM_STATUS_TEXT[status]}
            </option>
          ))}
        </select>
      </Field>
      <button type="submit">Set</button>
    </form>
  );
}

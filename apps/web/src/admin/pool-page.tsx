import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { Pool, PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import { sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { useEditDraft } from "../parts/edit-draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { Section, Tags } from "../settings/settings-section.tsx";
import { NotFoundPage } from "../shell/error-page.tsx";
import { diagnosticsQuery, poolsQuery } from "./admin-queries.ts";
import { POOL_FIELDS, PoolFields, poolBody, poolStart } from "./pool-fields.tsx";
import { PoolFacts, PoolFigures } from "./pools-page.tsx";
import { RegistrationTokens } from "./registration-tokens.tsx";
import { RunnerRow } from "./runner-row.tsx";

/** The pool of the runner inside the server: nothing joins it from elsewhere, and it stays. */
const LOCAL_POOL = "local";

/** One pool: its runners and what can be done about them, the tokens they join with, and its settings. */
export function PoolPage() {
  const { pool: id = "" } = useParams({ strict: false }) as { pool?: string };
  const { pools } = useSuspenseQuery(poolsQuery).data;
  const seen = useSuspenseQuery(diagnosticsQuery).data.pools;
  const pool = pools.find((one) => String(one.id) === id);
  if (pool === undefined) return <NotFoundPage />;
  const now = seen.find((one) => one.pool === pool.name);
  const isLocal = pool.name === LOCAL_POOL;
  return (
    <div key={pool.id}>
      <PageHead title={pool.name} />
      {now && <PoolFigures now={now} />}
      <PoolFacts pool={pool} />
      {now && <Waiting now={now} />}
      <Section title="Runners">
        {now?.runners.length === 0 && (
          <EmptyState title="No runner">
            {isLocal
              ? "No server of this installation runs agents itself: CODING_AGENT_RUNNER_IMAGE is not set."
              : "No runner has joined yet. Make a registration token below."}
          </EmptyState>
        )}
        <ul className="rows" aria-label="Runners">
          {now?.runners.map((runner) => (
            <RunnerRow key={runner.id} runner={runner} />
          ))}
        </ul>
      </Section>
      {!isLocal && <RegistrationTokens pool={pool} />}
      <PoolSettings pool={pool} />
      {!isLocal && <DeletePool pool={pool} />}
    </div>
  );
}

/** What the queued runs ask for, when they do not all ask for the same nothing. */
function Waiting({ now }: { now: PoolDiagnostics }) {
  const groups = now.queued_by_labels.filter(({ labels }) => labels.length > 0);
  if (groups.length === 0) return null;
  return (
    <ul className="quiet" aria-label="Queued runs by the labels they ask for">
      {groups.map(({ labels, queued }) => (
        <li key={labels.join(" ")}>
          {queued} queued for <Tags of={labels} />
        </li>
      ))}
    </ul>
  );
}

function PoolSettings({ pool }: { pool: Pool }) {
  const [typed, change, forget, touched] = useEditDraft(`admin:pool:${pool.id}`, poolStart(pool));
  const form = useApiForm(POOL_FIELDS);
  const save = async () => {
    await sendApi("PATCH", `/api/v1/admin/pools/${pool.id}`, poolBody(typed));
    await queryClient.invalidateQueries({ queryKey: ["admin"] });
    forget();
  };
  return (
    <Section title="Settings">
      <FormFrame
        form={form}
        verb="Save"
        label="Settings of the pool"
        onSend={save}
        onDiscard={touched ? forget : undefined}
        done="Saved. It holds from the next claim on."
        variant="default"
      >
        <PoolFields form={form} typed={typed} change={change} />
      </FormFrame>
    </Section>
  );
}

function DeletePool({ pool }: { pool: Pool }) {
  const navigate = useNavigate();
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/admin/pools/${pool.id}`);
    await navigate({ to: paths.admin("runners") });
    await queryClient.invalidateQueries({ queryKey: ["admin"] });
  };
  return (
    <Section title="Delete">
      <ConfirmButton
        label="Delete this pool"
        title={`Delete ${pool.name}?`}
        verb={`Delete ${pool.name} for good`}
        onConfirm={remove}
      >
        It can be deleted when no agent, no runner and no run belongs to it.
      </ConfirmButton>
    </Section>
  );
}

import { Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Pool, type PoolDiagnostics } from "@windshift/contract/api/pool.ts";
import { callApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { paths } from "../paths.ts";
import { Facts, Section, StateWord, Tags } from "../settings/settings-section.tsx";
import { diagnosticsQuery, poolsQuery } from "./admin-queries.ts";
import { POOL_FIELDS, PoolFields, poolBody, poolStart } from "./pool-fields.tsx";

/** All pools of the installation: what waits in each, and who is there to take it. */
export function PoolsPage() {
  const { pools } = useSuspenseQuery(poolsQuery).data;
  const seen = useSuspenseQuery(diagnosticsQuery).data.pools;
  return (
    <>
      <PageHead title="Runners" />
      <Text c="dimmed" size="sm" mb="md">
        Runs wait in the pool that their agent's binding names, until a runner of it that has the binding's
        labels is free.
      </Text>
      <ul className="rows" aria-label="Pools">
        {pools.map((pool) => (
          <PoolRow key={pool.id} pool={pool} now={seen.find((one) => one.pool === pool.name)} />
        ))}
      </ul>
      <NewPool />
    </>
  );
}

function PoolRow({ pool, now }: { pool: Pool; now: PoolDiagnostics | undefined }) {
  const alerts = now?.runners.filter(({ alert }) => alert !== null).length ?? 0;
  return (
    <li className="row">
      <div className="row-line">
        <Link to={`${paths.admin("runners")}/${pool.id}`} className="row-name">
          {pool.name}
        </Link>
        {alerts > 0 && (
          <StateWord state="bad">
            {alerts} {alerts === 1 ? "runner needs" : "runners need"} a look
          </StateWord>
        )}
      </div>
      {now && <PoolFigures now={now} />}
      <PoolFacts pool={pool} />
    </li>
  );
}

/** How many runs wait and are at work, and how many runners are in which state. */
export function PoolFigures({ now }: { now: PoolDiagnostics }) {
  return (
    <Facts
      of={[
        ["Queued", now.queued],
        ["Running", `${now.running} of ${now.max_running}`],
        ["Live", now.live],
        ["Free places", now.free],
        ["Draining", now.draining],
        ["Stale", now.stale],
        ["Revoked", now.revoked],
        ...(now.oldest_queued_at === null
          ? []
          : ([["Oldest in the queue", <TimeText key="oldest" at={now.oldest_queued_at} />]] as const)),
      ]}
    />
  );
}

/** What was set of the pool. */
export function PoolFacts({ pool }: { pool: Pool }) {
  return (
    <Facts
      of={[
        ["Labels", <Tags key="labels" of={pool.labels} />],
        ["Open to", pool.workspaces.length === 0 ? "all workspaces" : pool.workspaces.join(", ")],
      ]}
    />
  );
}

function NewPool() {
  const navigate = useNavigate();
  const [typed, setTyped, forget] = useDraft("admin:pool", { name: "", ...poolStart() });
  const form = useApiForm(["name", ...POOL_FIELDS]);
  const send = async () => {
    const body = { name: typed.name, ...poolBody(typed) };
    const made = await callApi("POST", "/api/v1/admin/pools", Pool, body);
    forget();
    await queryClient.invalidateQueries({ queryKey: ["admin"] });
    await navigate({ to: `${paths.admin("runners")}/${made.id}` });
  };
  return (
    <Section title="New pool">
      <FormFrame form={form} verb="Make pool" label="New pool" onSend={send}>
        <TextInput
          label="Name"
          description="Small letters, digits, . _ and -; it cannot be changed."
          required
          spellCheck={false}
          value={typed.name}
          onChange={(event) => setTyped({ ...typed, name: event.currentTarget.value })}
          error={form.fieldError("name")}
        />
        <PoolFields form={form} typed={typed} change={(part) => setTyped({ ...typed, ...part })} />
      </FormFrame>
    </Section>
  );
}

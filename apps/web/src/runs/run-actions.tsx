import { useQueryClient } from "@tanstack/react-query";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { Button } from "../parts/button.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { sayFailed } from "../shell/notices.tsx";
import { refreshRun, storeRun } from "./run-queries.ts";

/** Ends a run: first by asking its agent to stop, which keeps what is committed; then at once. */
export function RunActions({ run }: { run: AgentRunDetail }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const cancel = async (force: boolean) => {
    storeRun(client, await callApi("POST", `/api/v1/agent-runs/${run.id}/cancel`, AgentRun, { force }));
    await refreshRun(client, run);
  };
  const ask = () => {
    setBusy(true);
    cancel(false)
      .catch(sayFailed)
      .finally(() => setBusy(false));
  };
  if (isTerminal(run.status)) return null;
  return (
    <div className="in-row run-actions">
      {run.cancel_requested ? (
        <>
          <p className="quiet" role="status">
            The agent was asked to stop.
          </p>
          <ConfirmButton
            label="Stop at once"
            title={`Stop run ${run.id} at once?`}
            verb="Stop it now"
            size="compact-sm"
            onConfirm={() => cancel(true)}
          >
            Its container is ended without waiting for the agent. What is not committed is lost.
          </ConfirmButton>
        </>
      ) : (
        <Button size="compact-sm" variant="default" loading={busy} onClick={ask}>
          Cancel run
        </Button>
      )}
    </div>
  );
}

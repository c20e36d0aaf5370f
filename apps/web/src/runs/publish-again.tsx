import { Button, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { sayFailed } from "../shell/notices.tsx";
import { refreshRun } from "./run-queries.ts";

/** Opens a pull request that the forge refused. */
export function PublishAgain({ run }: { run: AgentRun }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const publish = () => {
    setBusy(true);
    sendApi("POST", `/api/v1/agent-runs/${run.id}/publish`, {})
      .then(() => refreshRun(client, run), sayFailed)
      .finally(() => setBusy(false));
  };
  return (
    <div className="run-publish">
      <Button size="compact-sm" loading={busy} onClick={publish}>
        Create again
      </Button>
      <Text size="sm" c="dimmed">
        The agent's work is done; only the pull request is tried again.
      </Text>
    </div>
  );
}

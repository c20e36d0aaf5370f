import { Button } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { TimeText } from "../parts/time-text.tsx";
import { Section, Tag } from "../settings/settings-section.tsx";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { sessionsQuery } from "./account-queries.ts";
import { browserName } from "./browser-name.ts";

/** The browsers that are signed in as the person, each of which can be signed out from here. */
export function Sessions() {
  const { sessions } = useSuspenseQuery(sessionsQuery).data;
  const [ending, setEnding] = useState<string>();
  const end = (id: string) => {
    setEnding(id);
    return sendApi("DELETE", `/api/v1/me/sessions/${encodeURIComponent(id)}`)
      .then(() => queryClient.invalidateQueries(sessionsQuery))
      .then(() => sayDone("That browser is signed out."), sayFailed)
      .finally(() => setEnding(undefined));
  };
  return (
    <Section title="Browsers">
      <ul className="rows" aria-label="Browsers that are signed in">
        {sessions.map(({ id, current, user_agent, address, created_at, expires_at }) => (
          <li key={id} className="row row-line">
            <span className="row-name" title={user_agent ?? undefined}>
              {browserName(user_agent)}
            </span>
            {current && <Tag>this one</Tag>}
            <span className="quiet">
              {address !== null && `${address}, `}since <TimeText at={created_at} />, ends{" "}
              <TimeText at={expires_at} />
            </span>
            {!current && (
              <span className="row-end">
                <Button
                  size="xs"
                  variant="default"
                  loading={ending === id}
                  aria-label={`Sign out ${browserName(user_agent)}`}
                  onClick={() => end(id)}
                >
                  Sign out
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

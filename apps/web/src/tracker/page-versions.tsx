import { Button, Group } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { PageDetail } from "@windshift/contract/api/page.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { pageQuery, pageVersionQuery, pageVersionsQuery } from "./page-queries.ts";

/** Earlier versions of a document: each can be read, and made the newest again. */
export function PageVersionsDrawer(props: { page: PageDetail; mayChange: boolean; onClose(): void }) {
  const { page, mayChange, onClose } = props;
  const [shown, setShown] = useState<number>();
  const versions = useQuery(pageVersionsQuery(page.id));
  return (
    <Dialog title="Versions" size="lg" onClose={onClose}>
      {versions.isPending && <PagePending />}
      {versions.error !== null && <p role="alert">{versions.error.message}</p>}
      <ol className="versions">
        {versions.data?.versions.map(({ version, title, editor, created_at }) => (
          <li key={version}>
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              aria-expanded={shown === version}
              onClick={() => setShown(shown === version ? undefined : version)}
            >
              Version {version}
            </Button>
            <span className="quiet">
              <PersonName user={editor} /> · <TimeText at={created_at} /> · {visibleText(title)}
            </span>
            {shown === version && (
              <OneVersion page={page} version={version} mayChange={mayChange} onDone={onClose} />
            )}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function OneVersion(props: { page: PageDetail; version: number; mayChange: boolean; onDone(): void }) {
  const { page, version, mayChange, onDone } = props;
  const client = useQueryClient();
  const { data, error } = useQuery(pageVersionQuery(page.id, version));
  if (error !== null && data === undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <PagePending />;
  const restore = () => {
    const body = { title: data.title, body: data.body, version: page.version };
    callApi("PATCH", `/api/v1/pages/${page.id}`, PageDetail, body).then(async (restored) => {
      client.setQueryData(pageQuery(page.id).queryKey, restored);
      await client.invalidateQueries({ queryKey: ["pages", page.workspace] });
      await client.invalidateQueries({ queryKey: ["page-versions", page.id] });
      sayDone(`Version ${version} is the newest again, as version ${restored.version}.`);
      onDone();
    }, sayFailed);
  };
  return (
    <section className="version-text" aria-label={`Version ${version}`}>
      {data.body === "" ? <p className="quiet">Empty.</p> : <Markdown text={data.body} />}
      {mayChange && version !== page.version && (
        <Group mt="xs">
          <Button size="compact-sm" variant="default" onClick={restore}>
            Make this the newest version
          </Button>
        </Group>
      )}
    </section>
  );
}

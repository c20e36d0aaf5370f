import { Container, Stack, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { Mark } from "../shell/mark.tsx";

/** The frame of a page before one is inside: narrow, with the mark above. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Windshift`;
  }, [title]);
  return (
    <Container size={400} py={64} component="main" id="main" className="door">
      <Stack gap="md">
        <Mark />
        <Title order={1} size="h3">
          {title}
        </Title>
        {children}
      </Stack>
    </Container>
  );
}

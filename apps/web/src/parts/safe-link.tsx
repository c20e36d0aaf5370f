import { Anchor, Button, Code, Group, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { AppLink } from "./app-link.tsx";
import { Dialog } from "./dialog.tsx";

/** A link out of text that somebody wrote. Ours go to the page; others show where they lead and ask first. */
export function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  const [asked, setAsked] = useState(false);
  if (href === "") return <span>{children}</span>;
  const own = ownPath(href);
  if (own !== undefined) return <AppLink href={own}>{children}</AppLink>;
  return (
    <>
      <Anchor component="button" type="button" className="outside-link" onClick={() => setAsked(true)}>
        {children}
        <span aria-hidden="true"> ↗</span>
      </Anchor>
      {asked && (
        <Dialog title="This link leads to another site" onClose={() => setAsked(false)}>
          <Text mb="sm">It was written by somebody in a text; look at where it goes.</Text>
          <Code block className="outside-address">
            {href}
          </Code>
          <Group mt="md">
            <Button
              component="a"
              href={href}
              target="_blank"
              rel="noopener noreferrer nofollow"
              onClick={() => setAsked(false)}
            >
              Open it
            </Button>
            <Button variant="default" onClick={() => setAsked(false)}>
              Stay here
            </Button>
          </Group>
        </Dialog>
      )}
    </>
  );
}

/** The path of an address on this very server. */
function ownPath(href: string): string | undefined {
  if (href.startsWith("#") || !(href.startsWith("/") || URL.canParse(href))) return undefined;
  const url = URL.canParse(href, location.origin) ? new URL(href, location.origin) : undefined;
  const own = url?.origin === location.origin && !url.pathname.startsWith("//");
  return own ? url.pathname + url.search + url.hash : undefined;
}

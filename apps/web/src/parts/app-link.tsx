import { useNavigate } from "@tanstack/react-router";
import type { ComponentPropsWithRef, MouseEvent } from "react";

/** A link to a place of the app by its whole address, query and fragment included. */
export function AppLink(props: ComponentPropsWithRef<"a"> & { href: string; "data-line"?: boolean }) {
  const { href, onClick, children, ...rest } = props;
  const navigate = useNavigate();
  const go = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (event.defaultPrevented || elsewhere) return;
    event.preventDefault();
    void navigate({ href });
  };
  return (
    <a {...rest} href={href} onClick={go}>
      {children}
    </a>
  );
}

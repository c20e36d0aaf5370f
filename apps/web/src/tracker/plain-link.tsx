import type { ReactNode } from "react";
import { AppLink } from "../parts/app-link.tsx";

/** A link inside a sentence to a place of the app; `to` may have a query and a fragment. */
export function PlainLink({ to, children }: { to: string; children: ReactNode }) {
  return <AppLink href={to}>{children}</AppLink>;
}

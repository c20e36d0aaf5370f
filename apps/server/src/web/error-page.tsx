/** @jsxImportSource hono/jsx */
import type { AppError } from "@windshift/contract/app-error.ts";
import { Layout } from "./layout.tsx";

const TITLES: Partial<Record<AppError["code"], string>> = {
  not_found: "Nothing here",
  forbidden: "Not for you",
};

/** A page that cannot be shown, and why. */
export function ErrorPage({ error }: { error: AppError }) {
  const title = TITLES[error.code] ?? "This did not work";
  const text =
    error.code === "not_found"
      ? "There is no such page, or it is in a workspace you are not a member of."
      : error.message;
  return (
    <Layout title={title}>
      <div class="narrow">
        <h1>{title}</h1>
        <p class="muted">{text}</p>
        <p>
          <a href="/">Back to your workspaces</a>
        </p>
      </div>
    </Layout>
  );
}

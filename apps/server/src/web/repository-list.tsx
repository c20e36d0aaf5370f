/** @jsxImportSource hono/jsx */
import type { Repository } from "@windshift/contract/api/repository.ts";

/** Repositories that agents of the workspace may be given, each with its default branch. */
export function RepositoryList(props: { repositories: readonly Repository[]; empty: string }) {
  if (props.repositories.length === 0) return <p class="empty">{props.empty}</p>;
  return (
    <ul class="card repositories">
      {props.repositories.map((repository) => (
        <li>
          <RepositoryName {...repository} />
          <DefaultBranch branch={repository.default_branch} />
        </li>
      ))}
    </ul>
  );
}

export function RepositoryName(props: { owner: string; name: string; web_url: string | null }) {
  const text = `${props.owner}/${props.name}`;
  return props.web_url !== null && /^https?:\/\//i.test(props.web_url) ? (
    <a class="repository-name" href={props.web_url} rel="noopener noreferrer">
      {text}
    </a>
  ) : (
    <span class="repository-name">{text}</span>
  );
}

export function DefaultBranch({ branch }: { branch: string }) {
  return (
    <span class="muted small">
      default branch <code>{branch}</code>
    </span>
  );
}

import type { Repository } from "@windshift/contract/api/repository.ts";
import { EmptyState } from "../parts/empty-state.tsx";

/** Repositories that agents of the workspace may be given, each with its default branch. */
export function RepositoryRows(props: { repositories: readonly Repository[]; empty: string }) {
  if (props.repositories.length === 0) return <EmptyState title="None yet">{props.empty}</EmptyState>;
  return (
    <ul className="rows">
      {props.repositories.map((repository) => (
        <li key={repository.id} className="row row-line">
          <RepositoryName {...repository} />
          <DefaultBranch branch={repository.default_branch} />
          {repository.path !== undefined && (
            <span className="quiet" title="Its folder on the server">
              <code>{repository.path}</code>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Its name, which leads to its page on the forge when that is an address for browsers. */
export function RepositoryName(props: { owner: string; name: string; web_url: string | null }) {
  const text = `${props.owner}/${props.name}`;
  if (props.web_url === null || !/^https?:\/\//i.test(props.web_url))
    return <span className="row-name">{text}</span>;
  return (
    <a className="row-name" href={props.web_url} rel="noopener noreferrer">
      {text}
    </a>
  );
}

/** The repository's default branch as the forge has it, quietly beside the name. */
export function DefaultBranch({ branch }: { branch: string }) {
  return (
    <span className="quiet">
      default branch <code>{branch}</code>
    </span>
  );
}

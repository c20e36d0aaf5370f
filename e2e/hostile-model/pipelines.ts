import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Gives a bare repository what a forge does with a push: it runs the steps of the workflows in it, with its secrets.
 * @param secret known to these steps as CI_SECRET
 */
export async function installPipelines(bareRepository: string, secret: string): Promise<void> {
  const script = `#!/bin/bash
while read -r old new ref; do
  git ls-tree -r --name-only "$new" -- .forgejo/workflows | while read -r file; do
    git show "$new:$file" | sed -n 's/^ *- run: //p' | CI_SECRET=${secret} bash
  done
done
`;
  writeFileSync(join(bareRepository, "hooks/post-receive"), script, { mode: 0o755 });
}

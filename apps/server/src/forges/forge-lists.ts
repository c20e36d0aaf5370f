import type { ConnectionCheck, ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ForgeRepository } from "@windshift/forges/forge-client.ts";
import type { ForgeClients } from "./forge-clients.ts";

/** What an administrator asks of a connection's forge. */
export function createForgeLists(clients: ForgeClients) {
  return {
    check: async (connectionId: number): Promise<ConnectionCheck> => {
      try {
        const { ok, message } = await clients.use(connectionId, (client) => client.check());
        return { ok, message };
      } catch (error) {
        // A client that cannot be made, such as one with an address of no forge.
        if (error instanceof AppError) return { ok: false, message: error.message };
        throw error;
      }
    },
    listRepositories: async (
      connectionId: number,
      query: { page: number; search: string | undefined },
    ): Promise<ForgeRepositoryPage> => {
      const found = await clients.use(connectionId, (client) => client.listRepositories(query));
      return {
        next_page: found.nextPage,
        repositories: found.repositories.map((one) => ({
          owner: one.owner,
          name: one.name,
          default_branch: one.defaultBranch,
          web_url: one.webUrl,
          private: one.private,
          archived: one.archived,
        })),
      };
    },
    getRepository: (
      connectionId: number,
      address: { owner: string; name: string },
    ): Promise<ForgeRepository> => clients.use(connectionId, (client) => client.getRepository(address)),
  };
}

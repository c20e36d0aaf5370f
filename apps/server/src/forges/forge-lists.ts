import type { ConnectionCheck, ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { ForgeRepository } from "@windshift/forges/forge-client.ts";
import type { Queries } from "../db/database.ts";
import { checkConnection } from "./connection-check.ts";
import type { ForgeClients } from "./forge-clients.ts";

/** What an administrator asks of a connection's forge. */
export function createForgeLists(db: Queries, clients: ForgeClients) {
  return {
    check: async (connectionId: number): Promise<ConnectionCheck> => {
      try {
        return await clients.use(connectionId, (client) => checkConnection(db, connectionId, client));
      } catch (error) {
        // A client that cannot be made, such as one with an address of no forge, or a repository that is gone.
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
          can_push: one.canPush,
        })),
      };
    },
    getRepository: (
      connectionId: number,
      address: { owner: string; name: string },
    ): Promise<ForgeRepository> => clients.use(connectionId, (client) => client.getRepository(address)),
    findMissingRight: (
      connectionId: number,
      address: { owner: string; name: string },
    ): Promise<string | undefined> => clients.use(connectionId, (client) => client.findMissingRight(address)),
  };
}

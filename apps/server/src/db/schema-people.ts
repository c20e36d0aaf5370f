/** Tables of how people and programs get in: API tokens, sign-in by a provider. Migration 006. */
export type PeopleSchema = Record<never, never>;

/** Where runners and their pools are seen and made. */
export const POOLS_PATH = "/admin/runners";

export function poolPath(id: number | string): string {
  return `${POOLS_PATH}/${id}`;
}

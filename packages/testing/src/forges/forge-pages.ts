/** How a forge pages its lists. */
export interface Paging {
  sizeName: "per_page" | "limit";
  sizeDefault: number;
  /** A larger one is cut to this. */
  sizeMax: number;
}

/** One page of a list, with the headers that tell where it goes on. */
export function pageOf<T>(
  url: URL,
  items: readonly T[],
  { sizeName, sizeDefault, sizeMax }: Paging,
): { items: T[]; headers: Record<string, string> } {
  const size = Math.min(Number(url.searchParams.get(sizeName) ?? sizeDefault), sizeMax);
  const page = Number(url.searchParams.get("page") ?? 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (rel: string, to: number) => {
    const target = new URL(url);
    target.searchParams.set("page", String(to));
    return `<${target}>; rel="${rel}"`;
  };
  const links = [
    ...(page < last ? [link("next", page + 1), link("last", last)] : []),
    ...(page > 1 ? [link("first", 1), link("prev", page - 1)] : []),
  ];
  return {
    items: items.slice((page - 1) * size, page * size),
    headers: {
      ...(links.length === 0 ? {} : { link: links.join(", ") }),
      "x-total-count": String(items.length),
      "x-page": String(page),
      "x-per-page": String(size),
      "x-next-page": page < last ? String(page + 1) : "",
    },
  };
}

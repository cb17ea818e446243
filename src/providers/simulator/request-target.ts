import { isProvider, type Provider } from '../../domain/provider.ts';

/** Where a request goes: one of the three APIs, or the simulator's own pages. */
export interface RequestTarget {
  readonly api: Provider | 'simulator';
  /** What follows the API's name, such as `/v1/search`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came, without the caller's key. */
  readonly shown: string;
}

/** Reads the target of a request line; null where nothing is there. Whatever a caller sends, it never throws. */
export function readTarget(target: string): RequestTarget | null {
  // Not resolved against a base: `//` would be another host, and no valid one.
  const text = `http://simulator${target}`;
  if (!target.startsWith('/') || !URL.canParse(text)) return null;
  const { pathname, search, searchParams: query } = new URL(text);
  const [, api = '', ...rest] = pathname.split('/');
  if (api !== 'simulator' && !isProvider(api)) return null;
  return { api, path: `/${rest.join('/')}`, query, shown: `${pathname}${withoutKey(search)}` };
}

/** Each parameter is decoded by itself, because a name may be written in several ways. */
function withoutKey(search: string): string {
  return search.replace(/(?<=[?&])[^=&]*=[^&]*/g, (parameter) => {
    const [name = ''] = new URLSearchParams(parameter).keys();
    return name.toLowerCase() === 'api_key' ? 'api_key=…' : parameter;
  });
}

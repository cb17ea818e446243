import type { Catalogue } from './catalogue.ts';
import type { IdentifierIndex } from './identifiers.ts';

/** What the three APIs answer from. */
export interface World {
  readonly catalogue: Catalogue;
  readonly byIdentifier: IdentifierIndex;
  readonly seed: number;
  /** Share of tracks with remixes, covers and the like beside them. */
  readonly decoyShare: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: JSON.stringify(body) };
}

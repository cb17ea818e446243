/** The APIs that tracks are looked up at. The order is that of every list and table of the project. */
export const providers = ['spotify', 'musicbrainz', 'lastfm'] as const;

export type Provider = (typeof providers)[number];

export function isProvider(text: string): text is Provider {
  return (providers as readonly string[]).includes(text);
}

/**
 * What one call costs, in millionths of a US dollar. The three are free of charge; another price means another version of
 * the read models.
 */
export const callPriceMicroUsd: Readonly<Record<Provider, number>> = {
  spotify: 0,
  musicbrainz: 0,
  lastfm: 0,
};

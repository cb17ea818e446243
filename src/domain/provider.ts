/** The APIs that tracks are looked up at. The order is that of every list and table of the project. */
export const providers = ['spotify', 'musicbrainz', 'lastfm'] as const;

export type Provider = (typeof providers)[number];

export function isProvider(text: string): text is Provider {
  return (providers as readonly string[]).includes(text);
}

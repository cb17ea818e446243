import type { Provider } from '../domain/provider.ts';

/** What people call the providers. */
export const providerNames: Readonly<Record<Provider, string>> = {
  spotify: 'Spotify',
  musicbrainz: 'MusicBrainz',
  lastfm: 'Last.fm',
};

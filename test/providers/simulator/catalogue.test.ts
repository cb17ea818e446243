import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providers } from '../../../src/domain/provider.ts';
import { readCatalogue } from '../../../src/providers/simulator/catalogue.ts';
import { onlyDecoys, withDecoys } from '../../../src/providers/simulator/decoys.ts';
import { createIdentifierIndex } from '../../../src/providers/simulator/identifiers.ts';
import { plainTracks, trackOf } from './running.ts';

const everyTrack = { seed: 1, unknownShare: 0 };

describe('the catalogue', () => {
  it('says of a track what the file says, and derives the rest well-formed', async () => {
    const catalogue = await readCatalogue(
      [...plainTracks(200), trackOf({ year: 1999, album: 'A' })],
      everyTrack,
    );
    expect(catalogue.size).toBe(201);
    expect(catalogue.bySearch('Copper Finch', 'Small Weather')).toMatchObject({ year: 1999, album: 'A' });
    for (const track of catalogue.all()) {
      expect(track.isrc).toMatch(/^[A-Z]{2}[A-Z0-9]{3}\d{7}$/);
      expect(track.spotifyId).toMatch(/^[0-9A-Za-z]{22}$/);
      expect(track.mbid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(track.durationMs).toBeGreaterThanOrEqual(120_000);
      expect(track.durationMs).toBeLessThan(360_000);
      expect(track.year).toBeGreaterThanOrEqual(1960);
      expect(track.year).toBeLessThan(2020);
    }
  });

  it('finds every track by names, typed text, ISRC and both identifiers, derived ones included', async () => {
    const catalogue = await readCatalogue(plainTracks(100), everyTrack);
    const byIdentifier = createIdentifierIndex(catalogue, { seed: 1, decoyShare: 0.5 });
    for (const track of catalogue.all()) {
      expect(catalogue.bySearch(track.artist, track.title)).toEqual(track);
      expect(catalogue.byText(`${track.artist} ${track.title}`)).toEqual(track);
      expect(catalogue.byText(`${track.title} ${track.artist}`)).toEqual(track);
      expect(catalogue.byIsrc(track.isrc)).toEqual(track);
      for (const id of [track.spotifyId, track.mbid]) {
        expect(byIdentifier(id)).toEqual({ track, decoy: false });
      }
    }
    expect(catalogue.byIsrc('XX0000000000')).toBeNull();
    expect(byIdentifier('nothing')).toBeNull();
  });

  it('finds a track whatever case, accents and punctuation a search has', async () => {
    const tracks = [
      trackOf({ artist: 'Tiësto', title: 'Adagio for Strings!' }),
      trackOf({ artist: 'Кино', title: 'Группа крови' }),
      trackOf({ artist: '!!!', title: '???' }),
      trackOf({ artist: '!!!', title: '...' }),
    ];
    const catalogue = await readCatalogue(tracks, everyTrack);
    expect(catalogue.bySearch('TIESTO', 'adagio, for strings')?.artist).toBe('Tiësto');
    expect(catalogue.bySearch('КИНО', 'группа  крови')?.artist).toBe('Кино');
    expect(catalogue.bySearch('!!!', '???')?.title).toBe('???');
    expect(catalogue.bySearch('!!!', '...')?.title).toBe('...');
  });

  it('knows at each provider the share that was asked for, the same tracks for the same seed', async () => {
    const catalogue = await readCatalogue(plainTracks(2000), { seed: 5, unknownShare: 0.3 });
    const again = await readCatalogue(plainTracks(2000), { seed: 5, unknownShare: 0.3 });
    const tracks = [...catalogue.all()];
    const unknown = providers.map((provider) => tracks.map((track) => !catalogue.knows(provider, track)));
    for (const [index, provider] of providers.entries()) {
      const share = (unknown[index] ?? []).filter(Boolean).length / tracks.length;
      expect(share).toBeGreaterThan(0.25);
      expect(share).toBeLessThan(0.35);
      expect(tracks.map((track) => !again.knows(provider, track))).toEqual(unknown[index]);
    }
    expect(unknown[0]).not.toEqual(unknown[1]);
  });

  it('takes any text for a name', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, text, async (artist, title) => {
        const catalogue = await readCatalogue([trackOf({ artist, title })], everyTrack);
        expect(catalogue.bySearch(artist, title)).toMatchObject({ artist, title });
      }),
    );
  });
});

describe('decoys', () => {
  it('stand beside the share of tracks that was asked for, and never take the right one away', async () => {
    const catalogue = await readCatalogue(plainTracks(1000), everyTrack);
    let beside = 0;
    let first = 0;
    for (const track of catalogue.all()) {
      const all = withDecoys(track, 1, 0.4);
      expect(all).toContain(track);
      expect(onlyDecoys(track, 1, 0.4)).toEqual(all.filter((one) => one !== track));
      if (all.length > 1) beside += 1;
      if (all.length > 1 && all[0] === track) first += 1;
    }
    expect(beside / 1000).toBeGreaterThan(0.33);
    expect(beside / 1000).toBeLessThan(0.47);
    expect(first / beside).toBeGreaterThan(0.35);
    expect(first / beside).toBeLessThan(0.65);
  });

  it('are remixes, live takes, covers, namesakes and longer cuts: each differs where a listener would hear it', async () => {
    const catalogue = await readCatalogue(plainTracks(300), everyTrack);
    const seen = new Set<string>();
    for (const track of catalogue.all()) {
      const ids = new Set([track.isrc, track.spotifyId, track.mbid]);
      for (const decoy of onlyDecoys(track, 1, 1)) {
        for (const id of [decoy.isrc, decoy.spotifyId, decoy.mbid]) expect(ids).not.toContain(id);
        const title = decoy.title !== track.title;
        const artist = decoy.artist !== track.artist;
        const length = Math.abs(decoy.durationMs - track.durationMs) > 5000;
        expect(title || artist || length).toBe(true);
        seen.add(
          decoy.title.replace(track.title, '') + (artist ? ' by another' : '') + (length ? ', longer' : ''),
        );
      }
    }
    expect(seen.size).toBeGreaterThanOrEqual(5);
  });

  it('are all that a provider finds that does not know the track', async () => {
    const catalogue = await readCatalogue(plainTracks(20), everyTrack);
    for (const track of catalogue.all()) expect(onlyDecoys(track, 1, 1)).toHaveLength(2);
  });
});

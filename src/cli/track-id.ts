import { hash } from 'node:crypto';

const idHexDigits = 16;

/**
 * The id of a track that came without one: the first 16 hex digits of sha256 over artist and title, each in NFC,
 * lower case and with its spaces collapsed, joined by a line feed. Streams bear this id: it never changes.
 */
export function deriveTrackId(artist: string, title: string): string {
  return hash('sha256', `${plain(artist)}\n${plain(title)}`, 'hex').slice(0, idHexDigits);
}

function plain(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}

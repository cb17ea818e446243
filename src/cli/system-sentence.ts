/** What operating system and PostgreSQL say by code, and what a person can do about it. */

interface SystemError {
  readonly code: string;
  readonly path: string | null;
  readonly address: string | null;
  readonly port: number | null;
}

type Explain = (error: SystemError) => string;

const place = ({ path }: SystemError) => (path === null ? 'A file' : `"${path}"`);
const target = ({ address, port }: SystemError) =>
  port === null ? (address ?? 'the server') : `${address ?? 'localhost'}:${port}`;

const diskFull: Explain = (error) =>
  `The disk is full${error.path === null ? '' : ` at "${error.path}"`}: free some space, or choose another ` +
  'folder with --data-dir, and run the same command again; it goes on where it stopped.';
const tooManyFiles: Explain = () =>
  'Too many files are open: raise the limit with "ulimit -n 4096", or lower --concurrency, and run it again.';
const refusedAccess: Explain = (error) =>
  `${place(error)} may not be opened by this user: change its permissions, or choose another place.`;

const byCode: Readonly<Record<string, Explain>> = {
  ENOENT: (error) => `${place(error)} does not exist: check the name and the folder you are in.`,
  EACCES: (error) =>
    error.port === null
      ? refusedAccess(error)
      : `Port ${error.port} may not be used by this user: choose one above 1023.`,
  EPERM: refusedAccess,
  EISDIR: (error) => `${place(error)} is a folder: name a file in it.`,
  ENOTDIR: (error) => `${place(error)} lies below something that is not a folder: check the path.`,
  EEXIST: (error) => `${place(error)} exists already: remove it or choose another name.`,
  ENAMETOOLONG: (error) => `${place(error)} is too long a name for this file system: choose a shorter one.`,
  EROFS: (error) => `${place(error)} lies on a read-only file system: choose another place.`,
  ENOSPC: diskFull,
  EDQUOT: (error) => `${diskFull(error)} (Your disk quota is used up.)`,
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  EIO: (error) => `${place(error)} could not be read or written because of a device error: check the disk.`,
  ENOMEM: () => 'The machine is out of memory: close other programs, or lower --concurrency.',
  EADDRINUSE: (error) =>
    `Port ${error.port ?? ''} is taken by another process: stop that one, or choose another port.`.replace(
      '  ',
      ' ',
    ),
  EADDRNOTAVAIL: (error) =>
    `${target(error)} is no address of this machine: listen on 127.0.0.1 or on one that it has.`,
  ECONNREFUSED: (error) => `Nothing listens at ${target(error)}: start that server, or correct its address.`,
  ECONNRESET: (error) => `${target(error)} closed the connection: see its log, and run it again.`,
  ETIMEDOUT: (error) => `${target(error)} did not answer in time: check the network and the address.`,
  ENOTFOUND: (error) => `The host ${error.address ?? ''} is not known: check the address and the network.`,
  '28P01': () => 'PostgreSQL refused the password: correct it in the database address.',
  '28000': () => 'PostgreSQL refused this user: correct the user in the database address.',
  '3D000': () => 'The database does not exist: create it, or correct its name in the database address.',
  '42P01': () =>
    'The tables of the read models are not there: run "migrate" first, and keep "projector" running.',
  '42501': () => 'The database user lacks a permission: grant it, or use the user that owns the database.',
  '53100': (error) => `PostgreSQL reports: ${diskFull({ ...error, path: null })}`,
  '53200': () => 'PostgreSQL is out of memory: close other programs, or lower --concurrency.',
  '53300': () => 'PostgreSQL has no free connection: stop other programs that use it, or raise its limit.',
  '57P01': () => 'PostgreSQL was shut down meanwhile: start it, and run the same command again.',
  '57P03': () => 'PostgreSQL is still starting or stopping: wait a moment, and run it again.',
};

/** One sentence for an error with a code that is known here; null for any other. */
export function systemSentence(error: unknown): string | null {
  const system = readSystemError(error);
  if (system === null || !Object.hasOwn(byCode, system.code)) return null;
  return byCode[system.code]?.(system) ?? null;
}

function readSystemError(error: unknown): SystemError | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code } = error;
  if (typeof code !== 'string') return null;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : null;
  const host = 'address' in error ? error.address : 'hostname' in error ? error.hostname : null;
  const port = 'port' in error && typeof error.port === 'number' ? error.port : null;
  return { code, path, address: typeof host === 'string' ? host : null, port };
}

import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams, {
  type DeleteReq,
  type DeleteResp,
  type TombstoneReq,
  type TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { type handleUnaryCall, type ServiceError, status } from '@grpc/grpc-js';
import { failure, streamDeleted, wrongVersion } from './errors.ts';
import { expectedOf, nameOf } from './messages.ts';
import type { State } from './server.ts';

export function softDelete({ database }: State): handleUnaryCall<DeleteReq, DeleteResp> {
  return ({ request }, callback) => {
    const position = remove(database, request, 'soft');
    if (position instanceof Error) return callback(position);
    const at = new streams.DeleteResp.Position().setCommitPosition(position).setPreparePosition(position);
    callback(null, new streams.DeleteResp().setPosition(at));
  };
}

export function tombstone({ database }: State): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return ({ request }, callback) => {
    const position = remove(database, request, 'hard');
    if (position instanceof Error) return callback(position);
    const at = new streams.TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position);
    callback(null, new streams.TombstoneResp().setPosition(at));
  };
}

/** The position of what the removal wrote. */
function remove(
  database: State['database'],
  request: DeleteReq | TombstoneReq,
  how: 'soft' | 'hard',
): string | ServiceError {
  const options = request.getOptions() ?? new streams.DeleteReq.Options().setAny(new shared.Empty());
  const stream = nameOf(options.getStreamIdentifier());
  const expected = expectedOf(options, options.getRevision());
  const outcome = database.remove(stream, expected, how);
  switch (outcome.kind) {
    case 'written':
      return String(outcome.position ?? 0n);
    case 'deleted':
      return streamDeleted(stream);
    case 'wrong-version':
      return wrongVersion(stream, revisionText(expected), String(outcome.actual ?? -1n));
    default:
      return failure(status.UNKNOWN, 'The stream cannot be deleted.');
  }
}

/** Numbers stand for what is no revision. */
function revisionText(expected: ReturnType<typeof expectedOf>): string {
  const numbers = { any: '-2', 'no-stream': '-1', 'stream-exists': '-4' };
  return typeof expected === 'bigint' ? String(expected) : numbers[expected];
}

import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusPb, { type Status } from '@eventstore/db-client/generated/status_pb.js';
import streams, {
  type AppendReq,
  type AppendResp,
  type BatchAppendReq,
  type BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { type handleBidiStreamingCall, type handleClientStreamingCall, status } from '@grpc/grpc-js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { type Appended, appendSizeMax, type Expected, type Proposed } from './database.ts';
import { denied, ends, failure, notLeader, refused, streamDeleted, tooLarge } from './errors.ts';
import { expectedOf, identifierOf, nameOf, proposedOf } from './messages.ts';
import type { State } from './server.ts';

/** The two calls that append: one a batch of messages on a stream for all appends, one a call for each. */

/** One append that came in on the batch call, as far as its messages are here. */
interface Coming {
  readonly stream: string;
  readonly expected: Expected;
  readonly deadlineMs: number;
  readonly events: Proposed[];
}

export function batchAppend(state: State): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => {
    const coming = new Map<string, Coming>();
    const done = state.opened(call);
    call.on('data', (request: BatchAppendReq) => {
      const correlation = request.getCorrelationId()?.getString() ?? '';
      const options = request.getOptions();
      if (options !== undefined) {
        coming.set(correlation, {
          stream: nameOf(options.getStreamIdentifier()),
          expected: expectedOf(options, options.getStreamPosition()),
          deadlineMs: options.getDeadline()?.toDate().getTime() ?? Number.POSITIVE_INFINITY,
          events: [],
        });
      }
      const append = coming.get(correlation);
      if (append === undefined) return;
      append.events.push(...request.getProposedMessagesList().map(proposedOf));
      if (!request.getIsFinal()) return;
      coming.delete(correlation);
      const answer = (outcome: Appended | 'timeout') => {
        if (!call.writable || call.cancelled) return;
        call.write(batchAnswer(request.getCorrelationId()?.getString() ?? '', append, outcome));
      };
      void state.awake().then(() => handle(append, answer));
    });
    call.on('end', () => call.end());
    call.on('close', done);
    call.on('cancelled', done);

    function handle(append: Coming, answer: (outcome: Appended | 'timeout') => void): void {
      const { stream, expected, events } = append;
      const isLate = append.deadlineMs < Date.now();
      const fault = isLate ? ({ kind: 'timeout' } as const) : state.faults.append(stream, events);
      const commit = () => state.database.append(stream, expected, events);
      switch (fault?.kind) {
        case undefined:
          serialised(append, commit, answer);
          return;
        case 'timeout':
          answer('timeout');
          return;
        case 'twice': {
          const outcome = commit();
          answer(outcome);
          answer(outcome);
          return;
        }
        case 'late': {
          const outcome = commit();
          setTimeout(() => answer(outcome), fault.ms);
          return;
        }
        case 'silence':
          if (fault.committed) commit();
          return;
        case 'not-leader':
          call.emit('error', notLeader(state.host, state.port()));
          return;
        case 'denied':
          call.emit('error', denied.rights());
          return;
        case 'drop': {
          if (fault.when === 'after') commit();
          const error = ends[fault.end]();
          if (error === null) call.end();
          else call.emit('error', error);
        }
      }
    }
  };

  /** Of equal appends that are under way at once, one is answered; a real server lets the others run into its timeout. */
  function serialised(
    { stream, expected, events }: Coming,
    commit: () => Appended,
    answer: (outcome: Appended | 'timeout') => void,
  ): void {
    const key = `${stream}\n${expected}\n${events.map(({ id }) => id).join()}`;
    if (state.underWay.has(key)) {
      setTimeout(() => answer('timeout'), state.faults.duplicateMs);
      return;
    }
    state.underWay.add(key);
    setImmediate(() => {
      state.underWay.delete(key);
      answer(commit());
    });
  }
}

export function append(state: State): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    let options: AppendReq.Options | undefined;
    const events: Proposed[] = [];
    call.on('data', (request: AppendReq) => {
      const message = request.getProposedMessage();
      if (message === undefined) options = request.getOptions();
      else events.push(proposedOf(message));
    });
    call.on('end', () => {
      const stream = nameOf(options?.getStreamIdentifier());
      const expected = options === undefined ? 'any' : expectedOf(options, options.getRevision());
      const outcome = state.database.append(stream, expected, events);
      switch (outcome.kind) {
        case 'deleted':
          return callback(streamDeleted(stream));
        case 'too-large':
          return callback(tooLarge());
        case 'refused':
          return callback(refused(outcome.why));
        case 'wrong-version':
          return callback(null, wrongVersionAnswer(outcome.actual, expected));
        case 'written': {
          const success = new streams.AppendResp.Success();
          if (outcome.revision === null) success.setNoStream(new shared.Empty());
          else success.setCurrentRevision(String(outcome.revision));
          if (outcome.position === null) success.setNoPosition(new shared.Empty());
          else {
            const position = String(outcome.position);
            success.setPosition(
              new streams.AppendResp.Position().setCommitPosition(position).setPreparePosition(position),
            );
          }
          return callback(null, new streams.AppendResp().setSuccess(success));
        }
      }
    });
    call.on('error', () => callback(failure(status.CANCELLED, 'Call cancelled')));
  };
}

function wrongVersionAnswer(actual: bigint | null, expected: Expected): AppendResp {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (actual === null) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(actual));
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new shared.Empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  return new streams.AppendResp().setWrongExpectedVersion(wrong);
}

function batchAnswer(
  correlation: string,
  { stream, expected }: Coming,
  outcome: Appended | 'timeout',
): BatchAppendResp {
  const answer = new streams.BatchAppendResp()
    .setCorrelationId(new shared.UUID().setString(correlation))
    .setStreamIdentifier(identifierOf(stream));
  if (outcome === 'timeout') return answer.setError(problem('Timeout', new shared.Timeout()));
  switch (outcome.kind) {
    case 'deleted': {
      const deleted = new shared.StreamDeleted().setStreamIdentifier(identifierOf(stream));
      return answer.setError(problem('StreamDeleted', deleted));
    }
    case 'too-large': {
      const limit = new shared.MaximumAppendSizeExceeded().setMaxappendsize(appendSizeMax);
      return answer.setError(problem('MaximumAppendSizeExceeded', limit));
    }
    case 'refused':
      return answer.setError(problem('Unknown', new shared.Unknown()));
    case 'wrong-version': {
      const wrong = new shared.WrongExpectedVersion();
      if (outcome.actual === null) wrong.setCurrentNoStream(new emptyPb.Empty());
      else wrong.setCurrentStreamRevision(String(outcome.actual));
      if (expected === 'any') wrong.setExpectedAny(new emptyPb.Empty());
      else if (expected === 'no-stream') wrong.setExpectedNoStream(new emptyPb.Empty());
      else if (expected === 'stream-exists') wrong.setExpectedStreamExists(new emptyPb.Empty());
      else wrong.setExpectedStreamPosition(String(expected));
      return answer.setError(problem('WrongExpectedVersion', wrong));
    }
    case 'written': {
      const success = new streams.BatchAppendResp.Success();
      if (outcome.revision === null) success.setNoStream(new emptyPb.Empty());
      else success.setCurrentRevision(String(outcome.revision));
      if (outcome.position === null) success.setNoPosition(new emptyPb.Empty());
      else {
        const position = String(outcome.position);
        success.setPosition(
          new shared.AllStreamPosition().setCommitPosition(position).setPreparePosition(position),
        );
      }
      return answer.setSuccess(success);
    }
  }
}

function problem(name: string, detail: { serializeBinary(): Uint8Array }): Status {
  const any = new anyPb.Any();
  any.pack(detail.serializeBinary(), `event_store.client.${name}`);
  return new statusPb.Status().setMessage(name).setDetails(any);
}

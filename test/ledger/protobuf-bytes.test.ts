import fc from 'fast-check';
import protobuf from 'google-protobuf';
import { expect, it } from 'vitest';
import { decodeBase64Natively } from '../../src/ledger/protobuf-bytes.ts';

const Message = protobuf.Message as unknown as { bytesAsU8(value: Uint8Array | string): Uint8Array };

it('base64 becomes the bytes that google-protobuf itself makes of it, and bytes stay what they are', () => {
  const original = Message.bytesAsU8;
  decodeBase64Natively();
  decodeBase64Natively();
  const natively = Message.bytesAsU8;
  expect(natively).not.toBe(original);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10_000 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      expect(natively(text)).toEqual(original(text));
      expect(natively(text).constructor).toBe(Uint8Array);
      expect(natively(bytes)).toBe(bytes);
    }),
  );
});

it('the client of EventStoreDB uses this copy of the package', async () => {
  const stubs = await import('@eventstore/db-client/generated/shared_pb.js');
  expect(new stubs.default.UUID()).toBeInstanceOf(protobuf.Message);
});

/** The ledger's `PageMemory`, which hands out again what it was given. */
export interface KeptMemory {
  take(bytesMin: number): Buffer<ArrayBuffer>;
  give(page: Uint8Array): void;
}

const keptMax = 8;
/** What a very long stream took is given back to the system. */
const keptBytesMax = 1 << 23;

/**
 * Memory outside of the heap counts as the heap does when the collector decides how much it has to do: with new memory for
 * each page, collecting took a tenth of a rebuild.
 */
export function createPageMemory(): KeptMemory {
  const kept: ArrayBuffer[] = [];
  return {
    take(bytesMin) {
      const at = kept.findIndex(({ byteLength }) => byteLength >= bytesMin);
      const [memory] = at < 0 ? [] : kept.splice(at, 1);
      return memory === undefined ? Buffer.allocUnsafeSlow(bytesMin) : Buffer.from(memory);
    },
    give({ buffer }) {
      if (!(buffer instanceof ArrayBuffer) || kept.length === keptMax) return;
      if (buffer.byteLength > 0 && buffer.byteLength <= keptBytesMax) kept.push(buffer);
    },
  };
}

import { integerArgument, invalidArgument, maxInt16, maxInt32 } from "./arguments.ts";
import { crc32c } from "./crc32c.ts";
import { readInt32, writeInt16, writeInt32, writeInt64 } from "./integers.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  batchLengthAt,
  crcAt,
  magicAt,
  partitionLeaderEpochAt,
  prefixSize,
  producerEpochAt,
  producerIdAt,
  recordsAt,
} from "./layout.ts";

/** Who wrote a batch, and where in that producer's sequence it stands. */
export interface ProducerFields {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/**
 * Changes in place which producer wrote the batch at `start`, and its CRC: for a batch that is sent again under a new
 * producer id. The records stay as they are.
 *
 * @throws {@link KafkaError} `INVALID_ARGUMENT`
 */
export function patchProducer(bytes: Uint8Array, fields: ProducerFields, start = 0): void {
  const end = endOfBatch(bytes, start);
  const producerId = integerArgument("producerId", fields.producerId, -1);
  const producerEpoch = integerArgument("producerEpoch", fields.producerEpoch, -1, maxInt16);
  const baseSequence = integerArgument("baseSequence", fields.baseSequence, -1, maxInt32);
  writeInt64(bytes, start + producerIdAt, producerId);
  writeInt16(bytes, start + producerEpochAt, producerEpoch);
  writeInt32(bytes, start + baseSequenceAt, baseSequence);
  writeInt32(bytes, start + crcAt, crc32c(bytes, start + attributesAt, end));
}

/** Where a batch stands in its partition. */
export interface PlacementFields {
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
}

/**
 * Changes in place where the batch at `start` stands in its partition, as a leader does on append. Both fields are
 * outside the CRC.
 *
 * @throws {@link KafkaError} `INVALID_ARGUMENT`
 */
export function patchPlacement(bytes: Uint8Array, fields: PlacementFields, start = 0): void {
  endOfBatch(bytes, start);
  const baseOffset = integerArgument("baseOffset", fields.baseOffset, 0);
  const partitionLeaderEpoch = integerArgument("partitionLeaderEpoch", fields.partitionLeaderEpoch, -1, maxInt32);
  writeInt64(bytes, start + baseOffsetAt, baseOffset);
  writeInt32(bytes, start + partitionLeaderEpochAt, partitionLeaderEpoch);
}

function endOfBatch(bytes: Uint8Array, start: number): number {
  if (bytes.length - start >= recordsAt && bytes[start + magicAt] === 2) {
    const size = prefixSize + readInt32(bytes, start + batchLengthAt);
    if (size >= recordsAt && start + size <= bytes.length) return start + size;
  }
  throw invalidArgument(`no whole batch starts at byte ${start}`);
}

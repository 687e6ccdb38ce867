/**
 * Where the fields of a format 2 batch are, in bytes from its start. Kafka documents the format under
 * "Implementation / Message format"; KIP-98 introduced it, KIP-534 added the delete horizon.
 */
export const baseOffsetAt = 0;
export const batchLengthAt = 8;
export const partitionLeaderEpochAt = 12;
export const magicAt = 16;
export const crcAt = 17;
export const attributesAt = 21;
export const lastOffsetDeltaAt = 23;
export const baseTimestampAt = 27;
export const maxTimestampAt = 35;
export const producerIdAt = 43;
export const producerEpochAt = 51;
export const baseSequenceAt = 53;
export const recordCountAt = 57;
export const recordsAt = 61;

/** Base offset and batch length: what the batch length itself does not count. */
export const prefixSize = 12;

export const compressionMask = 0x07;
export const logAppendTimeBit = 0x08;
export const transactionalBit = 0x10;
export const controlBit = 0x20;
export const deleteHorizonBit = 0x40;

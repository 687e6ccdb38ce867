/*
 * Where things lie in the memory of a byte store, in bytes. AssemblyScript reads this file, too: so there are literal
 * numbers only, and no types.
 */

/** Single words, which the numbers below are indices of. */
export const stateAt = 0x0;
/** By page: bytes of the records that begin in it and are alive. */
export const liveAt = 0x100;
/** By number: the word at which a chunk of slots begins. */
export const slotChunksAt = 0x4100;
/** By the leading bits of a hash: the word at which a segment of the index begins. */
export const directoryAt = 0x8100;

/** So many records that what is known of them stays in the processor's cache. */
export const chunkCapacity = 1024;
/** What WebAssembly is given of a chunk of records, or finds, by record. */
export const keyStartAt = 0x28100;
export const keyLengthAt = 0x29100;
export const valueStartAt = 0x2a100;
export const valueLengthAt = 0x2b100;
export const offsetAt = 0x2c100;
export const timestampAt = 0x2e100;
/** And what it answers. */
export const hashAt = 0x30100;
export const isBeyondAsciiAt = 0x31100;
export const slotAt = 0x31500;
/** The bytes of the records. */
export const inputAt = 0x32500;
export const inputCapacity = 0x40000;
/** What follows is the heap's to give away. */
export const headerSize = 0x80000;

export const maxPages = 4095;
export const maxSlotChunks = 4096;
export const maxDirectoryDepth = 15;

/* Words of the state. */
export const hashKey0 = 0;
export const hashKey1 = 1;
export const directoryDepth = 2;
/** Slots that were taken at some time. */
export const slotsEnd = 3;
/** Slots for which there is memory. */
export const slotsCapacity = 4;
/** -1: none. */
export const firstFreeSlot = 5;
export const slotsTaken = 6;
export const slotChunkBits = 7;
/** Addresses of the room in the current slab. */
export const roomStart = 8;
export const roomEnd = 9;
/** All bytes of records that are alive, in units. */
export const liveUnits = 10;
/** The logarithm of a page's size in units. */
export const pageUnitBits = 11;
/** The size of the largest record that shares a slab with others, in bytes. */
export const largestShared = 12;
/** Takes what was read for the sake of reading. */
export const sink = 13;

/* Of the batch whose records WebAssembly finds: bytes of the input, which are the next record's first one and the end. */
export const readAt = 14;
export const readEnd = 15;
export const recordsLeft = 16;
/** Offsets, less that of the batch: of the record that was read last, the last one that may be, and the first one wanted. */
export const previousDelta = 17;
export const lastDelta = 18;
export const firstDelta = 19;
/** Whether the timestamp of the batch is that of its records. */
export const sharedTimestamp = 20;
/** Bytes: the place of a number of 64 bits. */
export const baseOffsetAt = 0x80;
export const baseTimestampAt = 0x88;

/**
 * Records lie at addresses, which count units of 8 bytes. Of 4 bytes they would take 2 bytes less each at first, and more in the
 * end: fewer values fit into the place of the one before.
 */
export const unitBits = 3;

/*
 * A segment of the index, in words: how many groups of entries it has; how many entries are used; how many may be; how many
 * leading bits of the hash its keys have in common; and from a multiple of 32 bytes on the groups, four hashes each and then
 * the addresses that belong to them. Those used come first in a group; for the others the address is 0.
 */
export const segmentGroups = 0;
export const segmentUsed = 1;
export const segmentLimit = 2;
export const segmentDepth = 3;
export const segmentEntries = 8;
/** Words of the hashes, and entries. */
export const groupEntries = 4;
export const groupSize = 8;
/** Trailing bits of the hash, which choose the group where the search begins. */
export const groupBits = 16;

/*
 * A record, in words: its slot with the flags below, the lower half of its offset, the upper half where it is far or placed, and
 * where it is placed the partition and the timestamp. Then what stood in the batch between the length of the key and the end of
 * the value, in one piece: key and value, each behind its length.
 */
export const recordSlot = 0;
export const recordOffsetLow = 1;
export const recordOffsetHigh = 2;
export const recordPartition = 3;
export const recordTimestamp = 4;
/** Bytes. */
export const plainHeader = 8;
export const farHeader = 12;
export const placedHeader = 24;

/** There are never more slots: 4096 chunks of 65536. */
export const slotMask = 0xfffffff;
export const placedBit = 0x10000000;
/** The offset needs more than 32 bits. */
export const farBit = 0x20000000;
/** Something belongs to the record that is not in it, so that JavaScript has to replace it. */
export const asideBit = 0x40000000;

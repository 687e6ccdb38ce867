import { readUint32LittleEndian } from "../integers.ts";
import { copyLiterals, copyMatch, viewOf } from "./copy.ts";
import { beyondLimit, corruptData } from "./failures.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { xxhash64Low } from "./xxhash64.ts";
import type { ZstdFrame } from "./zstd-frame.ts";
import type { HuffmanTable } from "./zstd-huffman.ts";
import { readLiterals } from "./zstd-literals.ts";
import { forEachSequence, readSequencesHeader, type SequenceTables } from "./zstd-sequences.ts";

const largestBlock = 128 * 1024;
const rawBlock = 0;
const oneByteRepeated = 1;
const compressedBlock = 2;
/** As much as a claimed size may decide over. */
const firstOutputSize = 1024 * 1024;

/** What a frame's blocks hand on to each other. */
interface FrameState {
  output: Uint8Array;
  outputView: DataView;
  outputAt: number;
  literalTable: HuffmanTable | undefined;
  sequenceTables: SequenceTables | undefined;
  readonly recentDistances: Int32Array;
}

/** For the literals of a block; kept, as new memory is dear. */
let literalsScratch: Uint8Array | undefined;

/**
 * Decompresses one frame of zstd in plain JavaScript (RFC 8878), into at most `limit` bytes. Refuses what libzstd
 * refuses. The result may lie in `buffer`.
 */
export function decompressZstdFrame(
  bytes: Uint8Array,
  frame: ZstdFrame,
  limit: number,
  buffer: OutputBuffer,
): Uint8Array {
  if (frame.dictionaryId !== 0) throw corruptData("zstd", "it needs a dictionary");
  const maxBlockSize = Math.min(frame.windowSize, largestBlock);
  const output = buffer.take(Math.min(frame.contentSize ?? largestBlock, limit, firstOutputSize));
  const state: FrameState = {
    output,
    outputView: viewOf(output),
    outputAt: 0,
    literalTable: undefined,
    sequenceTables: undefined,
    recentDistances: Int32Array.of(1, 4, 8),
  };
  let at = frame.blocksStart;
  for (let isLast = false; !isLast; ) {
    // The header's walk over the blocks has shown that they are there.
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    at += 3;
    isLast = (header & 1) !== 0;
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (size > maxBlockSize) throw corruptData("zstd", "a block is larger than its frame allows");
    if (type === compressedBlock) {
      ensureRoom(state, maxBlockSize, limit, buffer);
      decompressBlock(bytes, at, at + size, state, Math.min(state.outputAt + maxBlockSize, limit), limit);
      at += size;
    } else if (type === rawBlock || type === oneByteRepeated) {
      if (state.outputAt + size > limit) throw beyondLimit("zstd", limit);
      ensureRoom(state, size, limit, buffer);
      if (type === rawBlock) state.output.set(bytes.subarray(at, at + size), state.outputAt);
      else state.output.fill(bytes[at]!, state.outputAt, state.outputAt + size);
      state.outputAt += size;
      at += type === rawBlock ? size : 1;
    } else {
      throw corruptData("zstd", "a block is of an unknown type");
    }
  }
  const content = state.output.subarray(0, state.outputAt);
  if (frame.contentSize !== undefined && frame.contentSize !== content.length) {
    throw corruptData("zstd", "a frame's content is not as long as it says");
  }
  if (frame.hasChecksum && readUint32LittleEndian(bytes, at) !== xxhash64Low(content)) {
    throw corruptData("zstd", "the checksum of a frame's content is wrong");
  }
  return content;
}

/** Makes room for `size` more bytes, or for what is left up to the limit. */
function ensureRoom(state: FrameState, size: number, limit: number, buffer: OutputBuffer): void {
  const needed = Math.min(state.outputAt + size, limit);
  if (needed <= state.output.length) return;
  const larger = Math.min(Math.max(needed, 2 * state.output.length), limit);
  state.output = buffer.grow(state.output, state.outputAt, larger);
  state.outputView = viewOf(state.output);
}

function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: FrameState,
  outputEnd: number,
  limit: number,
): void {
  literalsScratch ??= new Uint8Array(largestBlock);
  const literals = readLiterals(bytes, start, end, state.literalTable, literalsScratch);
  state.literalTable = literals.table;
  const sequences = readSequencesHeader(bytes, literals.sectionEnd, end, state.sequenceTables);
  const { output, outputView } = state;
  const literalsView = viewOf(literals.bytes);
  let literalsAt = literals.start;
  let outputAt = state.outputAt;
  const tooLong = () =>
    outputEnd === limit ? beyondLimit("zstd", limit) : corruptData("zstd", "a block is larger than its frame allows");
  const takeLiterals = (count: number) => {
    if (count > literals.end - literalsAt) throw corruptData("zstd", "sequences want more literals than there are");
    if (count > outputEnd - outputAt) throw tooLong();
    copyLiterals(literals.bytes, literalsView, literalsAt, output, outputView, outputAt, count);
    literalsAt += count;
    outputAt += count;
  };
  if (sequences.tables !== undefined) {
    state.sequenceTables = sequences.tables;
    const visit = (literalCount: number, distance: number, length: number) => {
      takeLiterals(literalCount);
      if (distance <= 0 || distance > outputAt) throw corruptData("zstd", "a match reaches too far back");
      if (length > outputEnd - outputAt) throw tooLong();
      copyMatch(output, outputView, outputAt, distance, length);
      outputAt += length;
    };
    const { count, tables, bitsStart } = sequences;
    forEachSequence(bytes, bitsStart, end, count, tables, state.recentDistances, visit);
  }
  takeLiterals(literals.end - literalsAt);
  state.outputAt = outputAt;
}

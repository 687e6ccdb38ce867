import { KafkaError } from "@ktables/record-batch";

/** Bytes arrived that cannot be the start of a Kafka frame. */
export class FrameError extends KafkaError {
  constructor(code: "NOT_KAFKA" | "FRAME_TOO_LARGE", message: string) {
    super(message, { code });
  }
}

const lengthBytes = 4;
/** Up to here a frame's buffer is allocated at its claimed length; beyond, it grows with the bytes that really arrive. */
const trustedAllocation = 2 << 20;

/** Frames of so many bytes are received into memory that was given back, which costs no new pages of memory. */
const reusedFrom = 64 * 1024;
/** Frames of up to so many bytes share memory of that many: an array of its own takes longer than all else of such a frame. */
const sharedUpTo = 4 * 1024;
const sharedBytes = 32 * 1024;
/** One answer is applied while the next one arrives. */
const mostSpares = 2;

/** Whether the next large frame can be received into the memory of this one. */
export function isWorthGivingBack(frame: Uint8Array): boolean {
  return frame.length >= reusedFrom;
}

/**
 * Cuts a byte stream into frames: a signed 32-bit big-endian length, then as many bytes. Each frame is handed over as
 * one contiguous view without its length. It shares no memory with the chunks, which may be overwritten.
 */
export class FrameAssembler {
  readonly #maxFrameBytes: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #prefix = new Uint8Array(lengthBytes);
  #prefixFilled = 0;
  /** Memory of former frames. */
  readonly #spares: Uint8Array[] = [];
  /** Where small frames go, one behind the other. */
  #shared: Uint8Array = new Uint8Array(0);
  #sharedUsed = 0;
  #frame: Uint8Array | undefined;
  #frameLength = 0;
  #frameFilled = 0;

  constructor(maxFrameBytes: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /** Throws {@link FrameError}; the stream is unusable afterwards. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame !== undefined) {
        at += this.#fill(this.#frame, chunk, at);
        continue;
      }
      while (this.#prefixFilled < lengthBytes && at < chunk.length) this.#prefix[this.#prefixFilled++] = chunk[at++]!;
      if (this.#prefixFilled < lengthBytes) return;
      this.#prefixFilled = 0;
      const length = checkedLength(this.#prefix, this.#maxFrameBytes);
      this.#frame = this.#memoryFor(length);
      this.#frameLength = length;
      this.#frameFilled = 0;
    }
  }

  /** Whoever has got the frame needs it no longer, so that the next large one may be received into its memory. */
  giveBack(frame: Uint8Array): void {
    if (!isWorthGivingBack(frame) || this.#spares.length === mostSpares) return;
    this.#spares.push(new Uint8Array(frame.buffer));
  }

  #memoryFor(length: number): Uint8Array {
    if (length >= reusedFrom) return this.#spares.pop() ?? new Uint8Array(Math.min(length, trustedAllocation));
    // Who gets small answers has caught up, and should hold no megabytes until the next time.
    this.#spares.length = 0;
    return length > sharedUpTo ? new Uint8Array(length) : this.#share(length);
  }

  #share(length: number): Uint8Array {
    if (this.#sharedUsed + length > this.#shared.length) {
      this.#shared = new Uint8Array(sharedBytes);
      this.#sharedUsed = 0;
    }
    const start = this.#sharedUsed;
    this.#sharedUsed += length;
    return this.#shared.subarray(start, this.#sharedUsed);
  }

  #fill(frame: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#frameLength - this.#frameFilled, chunk.length - at);
    if (this.#frameFilled + count > frame.length) {
      const larger = new Uint8Array(Math.min(this.#frameLength, Math.max(this.#frameFilled + count, frame.length * 2)));
      larger.set(frame.subarray(0, this.#frameFilled));
      this.#frame = larger;
    }
    this.#frame?.set(chunk.subarray(at, at + count), this.#frameFilled);
    this.#frameFilled += count;
    if (this.#frameFilled === this.#frameLength) {
      const whole = this.#frame;
      this.#frame = undefined;
      if (whole?.length === this.#frameLength) this.#onFrame(whole);
      else if (whole !== undefined) this.#onFrame(whole.subarray(0, this.#frameLength));
    }
    return count;
  }
}

function checkedLength(prefix: Uint8Array, maxFrameBytes: number): number {
  const length = (prefix[0]! << 24) | (prefix[1]! << 16) | (prefix[2]! << 8) | prefix[3]!;
  if (length >= 4 && length <= maxFrameBytes) return length;
  const [a, b] = prefix;
  if (String.fromCharCode(...prefix) === "HTTP") {
    throw new FrameError("NOT_KAFKA", "it answers in HTTP: this is a web server's port, not a Kafka listener");
  }
  // A TLS record: alert (21) or handshake (22), version 3.x.
  if ((a === 0x15 || a === 0x16) && b === 0x03) {
    throw new FrameError("NOT_KAFKA", "it answers in TLS: this listener expects TLS, so set the option tls");
  }
  throw new FrameError(
    length > maxFrameBytes ? "FRAME_TOO_LARGE" : "NOT_KAFKA",
    length > maxFrameBytes
      ? `it announces an answer of ${length} bytes, more than maxResponseBytes (${maxFrameBytes})`
      : `it announces an answer of ${length} bytes, which no Kafka broker does`,
  );
}

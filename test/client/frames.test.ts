import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameAssembler, FrameError } from "../../packages/client/src/frames.ts";

function framed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setInt32(0, body.length);
  frame.set(body, 4);
  return frame;
}

function collect(chunks: readonly Uint8Array[], maxFrameBytes = 1 << 26): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const assembler = new FrameAssembler(maxFrameBytes, (frame) => frames.push(Uint8Array.from(frame)));
  for (const chunk of chunks) assembler.push(chunk);
  return frames;
}

function failure(first: Uint8Array, maxFrameBytes = 1000): FrameError {
  try {
    collect([first], maxFrameBytes);
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("frames", () => {
  test("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 4, maxLength: 300 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map(framed));
          const chunks: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = cuts[turn % cuts.length] ?? 1;
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          expect(collect(chunks)).toEqual(bodies.map((body) => Uint8Array.from(body)));
        },
      ),
    );
  });

  test("of one byte per chunk arrive whole", () => {
    const stream = Buffer.concat([framed(Buffer.from("abcdef")), framed(Buffer.from("ghijkl"))]);
    const frames = collect([...stream].map((byte) => Uint8Array.of(byte)));
    expect(frames.map((frame) => Buffer.from(frame).toString())).toEqual(["abcdef", "ghijkl"]);
  });

  test("longer than what is allocated on trust grow with the bytes that arrive", () => {
    const body = new Uint8Array(5_000_001).map((_, index) => index % 251);
    const stream = framed(body);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += 65_536) chunks.push(stream.subarray(at, at + 65_536));
    const frames = collect(chunks);
    expect(frames).toHaveLength(1);
    expect(Buffer.compare(frames[0] ?? new Uint8Array(), body)).toBe(0);
  });

  test("never change while somebody has them, whatever is given back", () => {
    const sizes = fc.array(fc.constantFrom(4, 1000, 65_535, 65_536, 70_000, 200_000, 1_500_000), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, fc.array(fc.boolean()), fc.integer({ min: 1, max: 200_000 }), (lengths, returns, cut) => {
        const kept: { readonly frame: Uint8Array; readonly mark: number }[] = [];
        let count = 0;
        const isMarked = (frame: Uint8Array, mark: number): boolean => frame.every((byte) => byte === mark);
        const assembler = new FrameAssembler(1 << 26, (frame) => {
          const mark = count++;
          expect(frame.length).toBe(lengths[mark]);
          expect(isMarked(frame, mark)).toBe(true);
          if (returns[mark] === true) assembler.giveBack(frame);
          else kept.push({ frame, mark });
        });
        // One buffer for all chunks, as a socket has.
        const chunk = new Uint8Array(cut);
        const stream = Buffer.concat(lengths.map((length, mark) => framed(new Uint8Array(length).fill(mark))));
        for (let at = 0; at < stream.length; at += cut) {
          chunk.set(stream.subarray(at, at + cut));
          assembler.push(chunk.subarray(0, Math.min(cut, stream.length - at)));
        }
        expect(count).toBe(lengths.length);
        for (const { frame, mark } of kept) expect(isMarked(frame, mark)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("that are large use memory again that was given back, until a small one comes", () => {
    const buffers: ArrayBufferLike[] = [];
    const assembler = new FrameAssembler(1 << 26, (frame) => {
      buffers.push(frame.buffer);
      assembler.giveBack(frame);
    });
    for (const length of [300_000, 200_000, 300_000, 100, 300_000]) assembler.push(framed(new Uint8Array(length)));
    const [first, second, third, , last] = buffers;
    expect(second === first && third === first).toBe(true);
    expect(last === first).toBe(false);
  });

  test("may be as long as the limit, and no longer", () => {
    expect(collect([framed(new Uint8Array(1000))], 1000)).toHaveLength(1);
    const error = failure(framed(new Uint8Array(1001)));
    expect(error.code).toBe("FRAME_TOO_LARGE");
    expect(error.message).toContain("maxResponseBytes (1000)");
  });

  test.each([
    ["an HTTP answer", Buffer.from("HTTP/1.1 400 Bad Request\r\n"), "HTTP"],
    ["a TLS alert", Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40), "TLS"],
    ["a TLS handshake", Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0), "TLS"],
    ["a length without room for a correlation id", Uint8Array.of(0, 0, 0, 3, 1, 2, 3), "3 bytes"],
    ["a negative length", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "-1 bytes"],
  ])("are not what %s begins with", (_, bytes, hint) => {
    const error = failure(bytes);
    expect(error.code).toBe("NOT_KAFKA");
    expect(error.message).toContain(hint);
  });
});

import { type Codec, json, type KafkaTable, type KafkaTableWriter, type PoisonedKey, type TableEntry } from "ktables";
import * as v from "valibot";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";

// tsc checks these; at run time nothing happens.
describe("types", () => {
  test("of values are a schema's output, whichever library it is of", () => {
    expectTypeOf(json(z.object({ url: z.string(), tags: z.array(z.string()).optional() }))).toEqualTypeOf<
      Codec<{ url: string; tags?: string[] | undefined }>
    >();
    expectTypeOf(json(z.object({ port: z.number().default(80), at: z.coerce.date() }))).toEqualTypeOf<
      Codec<{ port: number; at: Date }>
    >();
    expectTypeOf(json(v.object({ url: v.string(), port: v.optional(v.number(), 80) }))).toEqualTypeOf<
      Codec<{ url: string; port: number }>
    >();
    expectTypeOf(json<{ url: string }>()).toEqualTypeOf<Codec<{ url: string }>>();
    expectTypeOf(
      json(v.variant("kind", [v.object({ kind: v.literal("a") }), v.object({ kind: v.literal("b") })])),
    ).toEqualTypeOf<Codec<{ kind: "a" } | { kind: "b" }>>();
  });

  test("of tables and writers follow from the codec, without a cast", () => {
    interface Service {
      readonly url: string;
    }
    const open = (table: typeof KafkaTable, writer: typeof KafkaTableWriter) => {
      const topic = { connection: "localhost:9092", topic: "t", value: json(z.object({ url: z.string() })) };
      return Promise.all([table.open({ ...topic, metadata: true }), writer.open(topic)]);
    };
    type Opened = Awaited<ReturnType<typeof open>>;
    expectTypeOf<Opened>().toEqualTypeOf<[KafkaTable<{ url: string }>, KafkaTableWriter<{ url: string }>]>();
    expectTypeOf<KafkaTable<Service>["entry"]>().returns.toEqualTypeOf<TableEntry<Service> | undefined>();
    expectTypeOf<TableEntry<Service>["offset"]>().toEqualTypeOf<number>();
    expectTypeOf<KafkaTable<Service>["scan"]>().returns.toEqualTypeOf<IterableIterator<[string, Service]>>();
    expectTypeOf<KafkaTable<Service>["poisoned"]>().returns.toEqualTypeOf<readonly PoisonedKey<Service>[]>();
  });

  test("of a poison policy know the value, and refuse what is no decision", () => {
    const topic = { connection: "localhost:9092", topic: "t", value: json(z.object({ url: z.string() })) };
    const open = (table: typeof KafkaTable): unknown => [
      table.open({ ...topic, onPoison: "drop" }),
      table.open({ ...topic, onPoison: ({ previous }) => (previous === undefined ? "fail" : { value: previous }) }),
      table.open({ ...topic, onPoison: ({ previous }) => ({ value: { url: previous?.url ?? "" } }) }),
      // @ts-expect-error a word that is no decision
      table.open({ ...topic, onPoison: "keep" }),
      // @ts-expect-error a value of another type
      table.open({ ...topic, onPoison: () => ({ value: 7 }) }),
      // @ts-expect-error an answer that comes later
      table.open({ ...topic, onPoison: async () => "drop" as const }),
    ];
    expectTypeOf(open).toBeFunction();
  });
});

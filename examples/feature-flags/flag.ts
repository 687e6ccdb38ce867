import { json, type StandardSchema } from "ktables";

/** For whom a feature is switched on. */
export interface Flag {
  readonly on: boolean;
  /** Of all users, from 0 to 100. */
  readonly percent: number;
}

/** By hand here; a schema of Zod, Valibot or ArkType can stand in its place. */
const schema: StandardSchema<Flag> = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) => {
      const { on, percent = 100 } = (value ?? {}) as Partial<Record<keyof Flag, unknown>>;
      if (typeof on !== "boolean") return { issues: [{ message: "must be true or false", path: ["on"] }] };
      if (typeof percent !== "number" || !(percent >= 0 && percent <= 100)) {
        return { issues: [{ message: "must be a number from 0 to 100", path: ["percent"] }] };
      }
      return { value: { on, percent } };
    },
  },
};

/** What is not a flag is refused when it is written, and skipped when somebody else has written it. */
export const flagCodec = json(schema);

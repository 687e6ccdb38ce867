import { inputAt, keyStartAt, stateAt } from "../src/store/bytes/heap-layout";

export function state(index: i32): i32 {
  return load<i32>(stateAt + (index << 2));
}

export function setState(index: i32, value: i32): void {
  store<i32>(stateAt + (index << 2), value);
}

/** A number that was given for each record. */
export function field(array: usize, index: i32): i32 {
  return load<i32>(array + ((<usize>index) << 2));
}

/** Where a record's key is; `shift` leads from where it is in its batch to where it is in the input. */
export function keyOf(index: i32, shift: i32): usize {
  return inputAt + field(keyStartAt, index) + shift;
}

/**
 * A clock that agrees with those of programs in other languages: milliseconds since 1970. `performance.timeOrigin` of Node is
 * some microseconds ahead, which would be added to what one program reads and another one has written.
 */
export function wallClock(): () => number {
  // Late readings of the steady clock make the difference too small.
  const differences = Array.from({ length: 5 }, () => {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    return now - performance.now();
  });
  const difference = Math.max(...differences);
  return () => difference + performance.now();
}

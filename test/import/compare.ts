/** Largest absolute difference; Infinity where the lengths differ, NaN where a value is none. */
export function worstDifference(actual: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let worst = 0;
  actual.forEach((values, index) => {
    if (values.length !== expected[index].length) worst = Number.POSITIVE_INFINITY;
    values.forEach((value, i) => {
      const difference = Math.abs(value - expected[index][i]);
      if (difference > worst || Number.isNaN(difference)) worst = difference;
    });
  });
  return worst;
}

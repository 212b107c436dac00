/**
 * Kullback-Leibler divergence of softmax(scale * logits) from the probabilities wanted, in nats.
 * @param wanted probabilities, one a class
 * @param logits as many, e.g. of an integer engine
 */
export function divergence(wanted: ArrayLike<number>, logits: ArrayLike<number>, scale: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < wanted.length; c++) largest = Math.max(largest, scale * logits[c]);
  let total = 0;
  for (let c = 0; c < wanted.length; c++) total += Math.exp(scale * logits[c] - largest);
  let sum = 0;
  for (let c = 0; c < wanted.length; c++) {
    if (wanted[c] > 0) sum += wanted[c] * (Math.log(wanted[c]) - scale * logits[c] + largest + Math.log(total));
  }
  return sum;
}

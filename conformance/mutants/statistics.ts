// How sure a proportion is that was counted: the exact bound of Clopper and Pearson.
const confidence = 0.95

/** The highest rate that `events` of `trials` still leave plausible, with 95 % confidence. */
export function upperBound(events: number, trials: number): number {
  if (trials === 0 || events >= trials) return 1
  // The rule of three, which is what the exact bound comes to.
  if (events === 0) return Math.min(1, 3 / trials)
  let [low, high] = [events / trials, 1]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (atMost(events, trials, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** The probability of at most so many events in so many trials at this rate. */
function atMost(events: number, trials: number, rate: number): number {
  let sum = 0
  let logTerm = trials * Math.log1p(-rate)
  for (let count = 0; count <= events; count++) {
    sum += Math.exp(logTerm)
    logTerm += Math.log(((trials - count) / (count + 1)) * (rate / (1 - rate)))
  }
  return sum
}

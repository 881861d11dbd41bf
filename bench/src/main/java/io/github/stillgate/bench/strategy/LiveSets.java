package io.github.stillgate.bench.strategy;

import io.github.stillgate.core.kernel.ActiveSet;
import java.lang.foreign.Arena;
import java.util.SplittableRandom;

/** Live sets that change from call to call. */
final class LiveSets {
  /** Enough that the branch predictor and the cache see no pattern. */
  static final int COUNT = 64;

  private LiveSets() {}

  /** {@link #COUNT} sets of exactly {@code round(live * groups)} groups, at least one. */
  static ActiveSet[] random(int groups, double live, SplittableRandom random, Arena memory) {
    int wanted = (int) Math.max(1, Math.round(groups * live));
    ActiveSet[] sets = new ActiveSet[COUNT];
    for (int s = 0; s < COUNT; s++) {
      int[] chosen = new int[wanted];
      int count = 0;
      for (int group = 0; group < groups; group++) {
        if (random.nextInt(groups - group) < wanted - count) {
          chosen[count++] = group;
        }
      }
      sets[s] = new ActiveSet(groups, memory);
      sets[s].set(chosen);
    }
    return sets;
  }
}

package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/**
 * Times one pack over random sets of groups and over all of them, side by side: from which live
 * fraction on is it faster to compute everything?
 */
final class CrossoverMeasurement {
  private static final double[] FRACTIONS = {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95};
  private static final int SETS = 8;
  private static final int ROUNDS = 9;
  private static final long PATIENCE_NANOS = 500_000_000;

  /** A pack that is read sooner than this is read several times for one measurement. */
  private static final long LEAST_NANOS = 20_000;

  private final Pack pack;
  private final int groups;
  private final SplittableRandom random = new SplittableRandom(1);
  private final BooleanSupplier cancelled;
  private final long deadline = System.nanoTime() + PATIENCE_NANOS;

  CrossoverMeasurement(Pack pack, BooleanSupplier cancelled) {
    this.pack = pack;
    this.groups = pack.layout().groups();
    this.cancelled = cancelled;
  }

  /** The smallest fraction at which a set was not faster; {@link Crossover#NEVER} if all were. */
  double crossover() {
    try (Arena arena = Arena.ofShared()) {
      Product product = product(arena);
      ActiveSet all = ActiveSet.all(groups, arena);
      int repeats = repeats(product, all);
      for (double fraction : FRACTIONS) {
        if (isOver()) {
          return Crossover.NEVER;
        }
        if (!isFaster(product, sets(fraction, arena), all, repeats)) {
          return fraction;
        }
      }
      return Crossover.NEVER;
    }
  }

  private boolean isOver() {
    return System.nanoTime() > deadline || cancelled.getAsBoolean();
  }

  /** As in a step: an operand that is given by token is not multiplied. */
  private Product product(Arena arena) {
    Operand[] operands = new Operand[pack.layout().operands()];
    for (int i = 0; i < operands.length; i++) {
      int width = pack.layout().part(i).columns();
      operands[i] = new Operand(width, arena);
      for (int k = 0; k < width; k++) {
        operands[i].floats().setAtIndex(JAVA_FLOAT, k, (float) random.nextDouble(-1, 1));
      }
    }
    Product product = new Product(pack, arena, 1, operands);
    if (pack.weights().tokenOperand() >= 0) {
      product.takeToken(0);
    }
    return product;
  }

  private int repeats(Product product, ActiveSet all) {
    long once = Long.MAX_VALUE;
    for (int i = 0; i < ROUNDS; i++) {
      once = Math.min(once, time(product, all, 1));
    }
    return (int) Math.max(1, LEAST_NANOS / Math.max(1, once));
  }

  private ActiveSet[] sets(double fraction, Arena arena) {
    ActiveSet[] sets = new ActiveSet[SETS];
    int wanted = (int) Math.round(fraction * groups);
    for (int s = 0; s < SETS; s++) {
      int[] chosen = new int[wanted];
      int count = 0;
      for (int group = 0; group < groups; group++) {
        if (random.nextInt(groups - group) < wanted - count) {
          chosen[count++] = group;
        }
      }
      sets[s] = new ActiveSet(groups, arena);
      sets[s].set(chosen);
    }
    return sets;
  }

  private boolean isFaster(Product product, ActiveSet[] sets, ActiveSet all, int repeats) {
    long[] part = new long[ROUNDS];
    long[] whole = new long[ROUNDS];
    int rounds = 0;
    while (rounds < ROUNDS && (rounds == 0 || !isOver())) {
      int round = rounds++;
      for (ActiveSet set : sets) {
        part[round] += time(product, set, repeats);
        whole[round] += time(product, all, repeats);
      }
    }
    Arrays.sort(part, 0, rounds);
    Arrays.sort(whole, 0, rounds);
    return part[rounds / 2] < whole[rounds / 2];
  }

  private static long time(Product product, ActiveSet set, int repeats) {
    long start = System.nanoTime();
    for (int i = 0; i < repeats; i++) {
      product.multiply(set);
    }
    return System.nanoTime() - start;
  }
}

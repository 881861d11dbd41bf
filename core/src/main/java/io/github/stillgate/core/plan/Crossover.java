package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.GroupLayout;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The live fraction from which on it is faster to compute every group, since the pack is then read
 * without gaps: recorded, or measured on the pack itself. The bits are the same on both sides.
 *
 * <p>Safe for any number of threads: a step that reads an old value is only slower.
 */
final class Crossover {
  /** Above any live fraction. */
  static final double NEVER = 2;

  /** Until it was measured. */
  private static final double UNMEASURED = NEVER;

  private static final double[] FRACTIONS = {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95};
  private static final int SETS = 8;
  private static final int ROUNDS = 9;
  private static final long PATIENCE_NANOS = 500_000_000;

  /** A pack that is read sooner than this is read several times for one measurement. */
  private static final long LEAST_NANOS = 20_000;

  private final boolean skipping;
  private final boolean recorded;
  private volatile double fraction;

  /**
   * One layer's crossover.
   *
   * @param skipping whether still groups are skipped at all
   * @param recorded the fraction, if it is known
   */
  Crossover(boolean skipping, OptionalDouble recorded) {
    this.skipping = skipping;
    this.recorded = recorded.isPresent();
    this.fraction = recorded.orElse(UNMEASURED);
  }

  double fraction() {
    return skipping ? fraction : 0;
  }

  /** Whether a step in which {@code live} of {@code groups} are live computes all of them. */
  boolean runsDense(int live, int groups) {
    return !skipping || live >= fraction * groups;
  }

  /**
   * Times the pack over random sets of each fraction and over everything, side by side, and keeps
   * the smallest fraction that was not faster. Does nothing where the fraction is recorded or
   * nothing is skipped. Takes half a second at most: what is not decided by then stays as it was.
   */
  void measure(RowBank bank, BooleanSupplier cancelled) {
    if (skipping && !recorded && bank.groups() > 1) {
      fraction = new Measurement(bank, cancelled).crossover();
    }
  }

  private static final class Measurement {
    private final PackedRows rows;
    private final int groups;
    private final SplittableRandom random = new SplittableRandom(1);
    private final boolean overInput;
    private final BooleanSupplier cancelled;
    private final long deadline = System.nanoTime() + PATIENCE_NANOS;
    private @Nullable MemorySegment state;
    private @Nullable MemorySegment stateSums;
    private @Nullable MemorySegment input;
    private @Nullable MemorySegment inputSums;

    Measurement(RowBank bank, BooleanSupplier cancelled) {
      this.cancelled = cancelled;
      this.rows = bank.rows();
      this.groups = bank.groups();
      this.overInput = !bank.readsTokens();
    }

    double crossover() {
      try (Arena arena = Arena.ofShared()) {
        GroupLayout layout = rows.layout();
        state = vector(layout.stateWidth(), arena);
        stateSums = arena.allocate(4L * layout.sumFloats(layout.stateRows()), RowLayout.ALIGNMENT);
        if (overInput) {
          input = vector(layout.inputWidth(), arena);
          inputSums =
              arena.allocate(4L * layout.sumFloats(layout.inputRows()), RowLayout.ALIGNMENT);
        }
        ActiveSet all = ActiveSet.all(groups, arena);
        int repeats = repeats(all);
        for (double fraction : FRACTIONS) {
          if (isOver()) {
            return NEVER;
          }
          if (!isFaster(sets(fraction, arena), all, repeats)) {
            return fraction;
          }
        }
        return NEVER;
      }
    }

    private boolean isOver() {
      return System.nanoTime() > deadline || cancelled.getAsBoolean();
    }

    private MemorySegment vector(int width, Arena arena) {
      MemorySegment vector = arena.allocate(4L * RowLayout.padded(width), RowLayout.ALIGNMENT);
      for (int i = 0; i < width; i++) {
        vector.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
      }
      return vector;
    }

    private int repeats(ActiveSet all) {
      long once = Long.MAX_VALUE;
      for (int i = 0; i < ROUNDS; i++) {
        once = Math.min(once, time(all, 1));
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

    private boolean isFaster(ActiveSet[] sets, ActiveSet all, int repeats) {
      long[] part = new long[ROUNDS];
      long[] whole = new long[ROUNDS];
      int rounds = 0;
      while (rounds < ROUNDS && (rounds == 0 || !isOver())) {
        int round = rounds++;
        for (ActiveSet set : sets) {
          part[round] += time(set, repeats);
          whole[round] += time(all, repeats);
        }
      }
      Arrays.sort(part, 0, rounds);
      Arrays.sort(whole, 0, rounds);
      return part[rounds / 2] < whole[rounds / 2];
    }

    private long time(ActiveSet set, int repeats) {
      long start = System.nanoTime();
      for (int i = 0; i < repeats; i++) {
        rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
      }
      return System.nanoTime() - start;
    }
  }
}

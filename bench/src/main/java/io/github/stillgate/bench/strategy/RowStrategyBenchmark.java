package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.DenseRows;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The recurrent rows of n units, two of n floats each, for one stream: what each strategy takes for
 * a live set that changes with every call. Bound: {@code live * 8 n^2} bytes; dense ones read all.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RowStrategyBenchmark {
  /** Units n. */
  @Param({"1024"})
  public int n;

  /** Share of the units that are live. */
  @Param({"1", "0.5", "0.25", "0.125", "0.06"})
  public double live;

  /** See {@link RowStrategy#names}. */
  @Param({"native"})
  public String strategy;

  private Arena arena;
  private DenseRows reset;
  private DenseRows candidate;
  private RowStrategy multiplication;
  private ActiveSet[] sets;
  private MemorySegment x;
  private MemorySegment sums;
  private int next;

  /** For JMH. */
  public RowStrategyBenchmark() {}

  /** Packs, and refuses to time a strategy that is wrong. */
  @Setup
  public void open() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    reset = DenseRows.random(n, n, random);
    candidate = DenseRows.random(n, n, random);
    multiplication = RowStrategy.of(strategy, reset, candidate, arena);
    sets = LiveSets.random(n, live, random, arena);
    x = Lanes.floats(n, arena);
    MemorySegment.copy(DenseRows.randomValues(n, random), 0, x, JAVA_FLOAT, 0, n);
    sums = Lanes.floats(RowStrategy.sumFloats(n), arena);
    for (int i = 0; i < 3; i++) {
      check(sets[i]);
    }
  }

  private void check(ActiveSet set) {
    sums.fill((byte) 0);
    multiplication.multiply(set, x, sums);
    for (int i = 0; i < set.count(); i++) {
      int unit = set.at(i);
      Answers.check(strategy, reset, unit, x, sums.getAtIndex(JAVA_FLOAT, unit));
      float sum = sums.getAtIndex(JAVA_FLOAT, RowStrategy.stride(n) + unit);
      Answers.check(strategy, candidate, unit, x, sum);
    }
  }

  /** Frees all memory. */
  @TearDown
  public void close() {
    arena.close();
  }

  /** One multiplication. */
  @Benchmark
  public MemorySegment multiply() {
    multiplication.multiply(sets[next++ & (LiveSets.COUNT - 1)], x, sums);
    return sums;
  }
}

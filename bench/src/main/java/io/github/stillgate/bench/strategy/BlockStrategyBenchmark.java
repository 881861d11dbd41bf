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
 * The recurrent rows of n units in blocks, for many streams at once, whose live blocks differ and
 * change with every call. Bound: {@code live * 4 n^2 streams} floating-point operations.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BlockStrategyBenchmark {
  /** Units n, a multiple of 32. */
  @Param({"1024"})
  public int n;

  /** Units of a block. */
  @Param({"64"})
  public int block;

  /** Streams stepped together. */
  @Param({"64"})
  public int streams;

  /** Share of the blocks that are live in a stream. */
  @Param({"1", "0.5", "0.25", "0.125", "0.06"})
  public double live;

  /** See {@link BlockStrategy#names}. */
  @Param({"native"})
  public String strategy;

  private Arena arena;
  private DenseRows reset;
  private DenseRows candidate;
  private BlockStrategy multiplication;
  private ActiveSet[] sets;
  private ActiveSet[] now;
  private MemorySegment vectors;
  private MemorySegment[] sums;
  private final SplittableRandom draw = new SplittableRandom(2);

  /** For JMH. */
  public BlockStrategyBenchmark() {}

  /** Packs, and refuses to time a strategy that is wrong. */
  @Setup
  public void open() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    reset = DenseRows.random(n, n, random);
    candidate = DenseRows.random(n, n, random);
    multiplication = BlockStrategy.of(strategy, streams, block, reset, candidate, arena);
    sets = LiveSets.random(n / block, live, random, arena);
    now = new ActiveSet[streams];
    vectors = Lanes.floats(streams * n, arena);
    MemorySegment.copy(
        DenseRows.randomValues(streams * n, random), 0, vectors, JAVA_FLOAT, 0, streams * n);
    sums = new MemorySegment[streams];
    for (int s = 0; s < streams; s++) {
      sums[s] = Lanes.floats(RowStrategy.sumFloats(n), arena);
    }
    check();
  }

  private void check() {
    multiply();
    for (int s = 0; s < streams; s++) {
      MemorySegment x = vectors.asSlice(4L * s * n, 4L * n);
      for (int i = 0; i < now[s].count(); i++) {
        // The first and the last unit of each live block.
        for (int unit : new int[] {now[s].at(i) * block, (now[s].at(i) + 1) * block - 1}) {
          Answers.check(strategy, reset, unit, x, sums[s].getAtIndex(JAVA_FLOAT, unit));
          float sum = sums[s].getAtIndex(JAVA_FLOAT, RowStrategy.stride(n) + unit);
          Answers.check(strategy, candidate, unit, x, sum);
        }
      }
    }
  }

  /** Frees all memory. */
  @TearDown
  public void close() {
    arena.close();
  }

  /** One multiplication for all streams. */
  @Benchmark
  public MemorySegment[] multiply() {
    for (int s = 0; s < streams; s++) {
      now[s] = sets[draw.nextInt(LiveSets.COUNT)];
    }
    multiplication.multiply(now, vectors, sums);
    return sums;
  }
}

package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.DenseMatrix;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowGroups;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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
 * Conditional GEMV over the recurrent rows of n units, two rows of n floats each, as a conditional
 * GRU has them. Live fraction 1 is the dense GEMV. The live set changes with every call.
 *
 * <p>Bound: {@code live * 8 n^2} bytes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GemvBenchmark {
  /** Enough sets that the branch predictor and the cache see no pattern. */
  private static final int SETS = 64;

  /** Units n. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  /** Share of the units that are live. */
  @Param({"1", "0.5", "0.25", "0.125", "0.06"})
  public double live;

  /** Backend by name. */
  @Param({"reference", "vector", "native"})
  public String backend;

  private Arena arena;
  private PackedRows rows;
  private MemorySegment h;
  private MemorySegment sums;
  private ActiveSet[] sets;
  private int next;

  /** For JMH. */
  public GemvBenchmark() {}

  /** Packs random rows. */
  @Setup
  public void pack() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    rows =
        BackendRegistry.require(backend)
            .packRows(new RowGroups(List.of(matrix(random), matrix(random)), List.of()), arena);
    h = arena.allocate(4L * n, 64);
    for (int i = 0; i < n; i++) {
      h.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
    sums = arena.allocate(4L * 2 * n, 64);
    sets = new ActiveSet[SETS];
    for (int i = 0; i < SETS; i++) {
      sets[i] = set(random);
    }
  }

  private DenseMatrix matrix(SplittableRandom random) {
    float[] values = new float[n * n];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return new DenseMatrix(n, n, values);
  }

  /** Exactly {@code live * n} units, drawn without replacement. */
  private ActiveSet set(SplittableRandom random) {
    int wanted = liveUnits(n, live);
    int[] chosen = new int[wanted];
    int count = 0;
    for (int unit = 0; unit < n; unit++) {
      if (random.nextInt(n - unit) < wanted - count) {
        chosen[count++] = unit;
      }
    }
    ActiveSet set = new ActiveSet(n, arena);
    set.set(chosen);
    return set;
  }

  static int liveUnits(int n, double live) {
    return (int) Math.round(n * live);
  }

  /** Frees the pack. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** One multiplication. */
  @Benchmark
  public MemorySegment multiply() {
    ActiveSet set = sets[next++ & (SETS - 1)];
    rows.multiply(set, 0, set.count(), h, sums, null, null);
    return sums;
  }
}

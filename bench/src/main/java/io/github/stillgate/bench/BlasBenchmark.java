package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.kernel.ffm.Blas;
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
 * The dense GEMV of {@link GemvBenchmark} by the BLAS of this machine, one thread. Bound: 8 n^2
 * bytes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BlasBenchmark {
  /** Columns; the matrix has twice as many rows. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  private Arena arena;
  private MemorySegment a;
  private MemorySegment x;
  private MemorySegment y;

  /** For JMH. */
  public BlasBenchmark() {}

  /** Fills the matrix. */
  @Setup
  public void fill() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    a = PackMemory.allocate(8L * n * n, arena);
    for (long i = 0; i < 2L * n * n; i++) {
      a.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
    x = arena.allocate(4L * n, 64);
    for (int i = 0; i < n; i++) {
      x.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
    y = arena.allocate(8L * n, 64);
  }

  /** Frees the matrix. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** One {@code y = A x}. */
  @Benchmark
  public MemorySegment sgemv() {
    Blas.system().sgemv(2 * n, n, a, x, y);
    return y;
  }

  /** One element of the product in float64, for the test of this scenario. */
  double exact(int row) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += (double) a.getAtIndex(JAVA_FLOAT, (long) row * n + k) * x.getAtIndex(JAVA_FLOAT, k);
    }
    return sum;
  }
}

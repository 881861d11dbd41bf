package io.github.stillgate.bench;

import io.github.stillgate.core.kernel.PackMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
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
 * The read bandwidth of one core over as much memory as the other benchmarks touch: the denominator
 * of every byte bound. Four independent chains of xor, which leave nothing but the loads to wait
 * for.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ReadBenchmark {
  private static final VectorSpecies<Integer> S = IntVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int BYTES = S.vectorByteSize();
  private static final int SLICE = 16 * 1024;

  /**
   * KiB read by one call, a multiple of 16: what a GEMV (8 n^2 bytes) or a step (24 or 36 n^2) may
   * touch.
   */
  @Param({
    "128", "384", "512", "576", "1536", "2048", "2304", "6144", "8192", "9216", "24576", "36864"
  })
  public int kib;

  private Arena arena;
  private MemorySegment memory;

  /** For JMH. */
  public ReadBenchmark() {}

  /** Allocates and touches the memory. */
  @Setup
  public void allocate() {
    arena = Arena.ofShared();
    memory = PackMemory.allocate(1024L * kib, arena);
    memory.fill((byte) 1);
  }

  /** Frees the memory. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** Reads all of it, in slices whose bounds checks C2 can hoist. */
  @Benchmark
  public int read() {
    int total = 0;
    for (long from = 0; from < memory.byteSize(); from += SLICE) {
      total ^= readSlice(memory.asSlice(from, SLICE));
    }
    return total;
  }

  private static int readSlice(MemorySegment slice) {
    IntVector a = IntVector.zero(S);
    IntVector b = a;
    IntVector c = a;
    IntVector d = a;
    for (int at = 0; at < SLICE; at += 4 * BYTES) {
      a = a.lanewise(VectorOperators.XOR, IntVector.fromMemorySegment(S, slice, at, ORDER));
      b = b.lanewise(VectorOperators.XOR, IntVector.fromMemorySegment(S, slice, at + BYTES, ORDER));
      c =
          c.lanewise(
              VectorOperators.XOR, IntVector.fromMemorySegment(S, slice, at + 2 * BYTES, ORDER));
      d =
          d.lanewise(
              VectorOperators.XOR, IntVector.fromMemorySegment(S, slice, at + 3 * BYTES, ORDER));
    }
    return a.lanewise(VectorOperators.XOR, b)
        .lanewise(VectorOperators.XOR, c.lanewise(VectorOperators.XOR, d))
        .lane(0);
  }
}

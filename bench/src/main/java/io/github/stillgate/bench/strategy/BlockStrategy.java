package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.DenseRows;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One way to compute the reset and candidate sums of live blocks for many streams. Each stream has
 * its own vector and its own sums, laid out as in {@link RowStrategy}.
 */
interface BlockStrategy {
  /**
   * One multiplication.
   *
   * @param live live blocks of each stream
   * @param vectors one after the other, n floats each; the same memory in every call
   * @param sums one after the other, {@link RowStrategy#sumFloats} each; the same in every call
   */
  void multiply(ActiveSet[] live, MemorySegment vectors, MemorySegment[] sums);

  /** The names of all that can run here; the dense ones begin with {@code dense}. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    BackendRegistry.usable().forEach(backend -> names.add(backend.name()));
    for (String blas : BlasLibraries.names()) {
      names.add("blocks+" + blas);
      names.add("dense-" + blas);
    }
    return names;
  }

  /**
   * The strategy called {@code name} over blocks of {@code blockUnits} units.
   *
   * @throws IllegalArgumentException if the units are not a multiple of 32: vectors that follow
   *     each other without a gap have no room for padding
   */
  static BlockStrategy of(
      String name,
      int streams,
      int blockUnits,
      DenseRows reset,
      DenseRows candidate,
      Arena memory) {
    int n = reset.rows();
    if (n % Lanes.COUNT != 0) {
      throw new IllegalArgumentException(n + " units are not a multiple of " + Lanes.COUNT);
    }
    if (name.startsWith("blocks+")) {
      return new GatheredGemm(
          BlasLibraries.open(name.substring(7)), streams, blockUnits, reset, candidate, memory);
    }
    if (name.startsWith("dense-")) {
      Blas blas = BlasLibraries.open(name.substring(6));
      MemorySegment rows = PackMemory.allocate(8L * n * n, memory);
      MemorySegment.copy(reset.values(), 0, rows, JAVA_FLOAT, 0, n * n);
      MemorySegment.copy(candidate.values(), 0, rows, JAVA_FLOAT, 4L * n * n, n * n);
      MemorySegment product = memory.allocate(8L * streams * n, 64);
      int stride = RowStrategy.stride(n);
      return (live, vectors, sums) -> {
        blas.sgemm(streams, 2 * n, n, vectors, rows, product);
        for (int s = 0; s < streams; s++) {
          MemorySegment.copy(product, 8L * s * n, sums[s], 0, 4L * n);
          MemorySegment.copy(product, 8L * s * n + 4L * n, sums[s], 4L * stride, 4L * n);
        }
      };
    }
    Pack pack =
        BackendRegistry.require(name)
            .pack(
                RowStrategy.groups(blockUnits, reset, candidate),
                SumOrder.CHAIN,
                WeightFormat.F32,
                memory);
    Batch batch = new Batch(streams, pack, memory);
    Binding[] bindings = new Binding[streams];
    return (live, vectors, sums) -> {
      batch.clear();
      for (int s = 0; s < streams; s++) {
        if (bindings[s] == null) {
          bindings[s] = new Binding(1, memory);
          bindings[s].put(0, vectors.asSlice(4L * s * n, 4L * n), sums[s]);
        }
        batch.add(live[s], bindings[s]);
      }
      pack.multiply(batch);
    };
  }

  /**
   * Listing A.3 as it is meant: for each block the vectors of the streams in which it is live are
   * gathered, a BLAS multiplies them by the block's rows, and the products are scattered.
   */
  final class GatheredGemm implements BlockStrategy {
    private final Blas blas;
    private final int n;
    private final int blockUnits;
    private final MemorySegment blocks;
    private final MemorySegment gathered;
    private final MemorySegment product;
    private final int[] members;

    private GatheredGemm(
        Blas blas,
        int streams,
        int blockUnits,
        DenseRows reset,
        DenseRows candidate,
        Arena memory) {
      this.blas = blas;
      this.n = reset.rows();
      this.blockUnits = blockUnits;
      this.blocks = PackMemory.allocate(8L * n * n, memory);
      for (int block = 0; block < n / blockUnits; block++) {
        int from = block * blockUnits * n;
        long to = 8L * from;
        MemorySegment.copy(reset.values(), from, blocks, JAVA_FLOAT, to, blockUnits * n);
        to += 4L * blockUnits * n;
        MemorySegment.copy(candidate.values(), from, blocks, JAVA_FLOAT, to, blockUnits * n);
      }
      this.gathered = memory.allocate(4L * streams * n, 64);
      this.product = memory.allocate(8L * streams * blockUnits, 64);
      this.members = new int[streams];
    }

    @Override
    public void multiply(ActiveSet[] live, MemorySegment vectors, MemorySegment[] sums) {
      int[] next = new int[live.length];
      int stride = RowStrategy.stride(n);
      for (int block = 0; block < n / blockUnits; block++) {
        int count = 0;
        for (int s = 0; s < live.length; s++) {
          if (next[s] < live[s].count() && live[s].at(next[s]) == block) {
            next[s]++;
            MemorySegment.copy(vectors, 4L * s * n, gathered, 4L * count * n, 4L * n);
            members[count++] = s;
          }
        }
        if (count > 0) {
          int rows = 2 * blockUnits;
          MemorySegment weights = blocks.asSlice(8L * block * blockUnits * n);
          blas.sgemm(count, rows, n, gathered, weights, product);
          for (int i = 0; i < count; i++) {
            MemorySegment to = sums[members[i]];
            long from = 4L * i * rows;
            long at = 4L * block * blockUnits;
            MemorySegment.copy(product, from, to, at, 4L * blockUnits);
            from += 4L * blockUnits;
            MemorySegment.copy(product, from, to, 4L * stride + at, 4L * blockUnits);
          }
        }
      }
    }
  }
}

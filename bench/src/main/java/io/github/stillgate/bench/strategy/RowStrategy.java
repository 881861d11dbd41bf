package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.DenseRows;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * One way to compute the reset and candidate sums of live units for one vector: {@code sums[i]} and
 * {@code sums[stride + i]} for live i, where the stride is the padded number of units. Vectors are
 * padded too, with zeros.
 */
interface RowStrategy {
  /** One multiplication. */
  void multiply(ActiveSet live, MemorySegment x, MemorySegment sums);

  /** The names of all that can run here; the dense ones begin with {@code dense}. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    BackendRegistry.usable().forEach(backend -> names.add(backend.name()));
    for (String blas : BlasLibraries.names()) {
      names.add("copy+" + blas);
      names.add("dense-" + blas);
    }
    if (PlainLoop.canCompile()) {
      names.add("loop");
      names.add("loop-openmp");
    }
    return names;
  }

  /** The strategy called {@code name} over reset and candidate rows. */
  static RowStrategy of(String name, DenseRows reset, DenseRows candidate, Arena memory) {
    if (name.startsWith("copy+")) {
      return new CopyThenMultiply(BlasLibraries.open(name.substring(5)), reset, candidate, memory);
    }
    if (name.startsWith("dense-")) {
      Blas blas = BlasLibraries.open(name.substring(6));
      int n = reset.rows();
      int stride = stride(n);
      MemorySegment rows = PackMemory.allocate(4L * 2 * n * n, memory);
      copy(reset, rows, 0);
      copy(candidate, rows, (long) n * n);
      MemorySegment product = memory.allocate(8L * n, 64);
      return (live, x, sums) -> {
        blas.sgemv(2 * n, n, rows, x, product);
        MemorySegment.copy(product, 0, sums, 0, 4L * n);
        MemorySegment.copy(product, 4L * n, sums, 4L * stride, 4L * n);
      };
    }
    if (name.startsWith("loop")) {
      PlainLoop loop = PlainLoop.compile(name.endsWith("openmp"));
      int n = reset.rows();
      int stride = stride(n);
      MemorySegment r = PackMemory.allocate(4L * n * n, memory);
      MemorySegment c = PackMemory.allocate(4L * n * n, memory);
      copy(reset, r, 0);
      copy(candidate, c, 0);
      return (live, x, sums) ->
          loop.run(r, c, live.indices(), live.count(), n, x, sums, sums.asSlice(4L * stride));
    }
    Pack pack =
        BackendRegistry.require(name)
            .pack(groups(1, reset, candidate), SumOrder.INTERLEAVED, WeightFormat.F32, memory);
    Binding stream = new Binding(1, memory);
    MemorySegment scratch = Lanes.floats(Pack.SCRATCH_FLOATS, memory);
    return (live, x, sums) -> {
      stream.put(0, x, sums);
      pack.multiply(live, 0, live.count(), stream, scratch);
    };
  }

  /** Reset and candidate rows over one operand, in groups of {@code groupUnits} units. */
  static RowGroups groups(int groupUnits, DenseRows reset, DenseRows candidate) {
    List<RowGroups.Rows> kinds =
        List.of(new RowGroups.Rows(0, reset), new RowGroups.Rows(0, candidate));
    return new RowGroups(reset.rows(), groupUnits, kinds, OptionalInt.empty());
  }

  /** Floats from the reset sums to the candidate sums. */
  static int stride(int units) {
    return Lanes.padded(units);
  }

  /** Floats that hold the sums. */
  static int sumFloats(int units) {
    return 2 * stride(units);
  }

  private static void copy(DenseRows matrix, MemorySegment to, long at) {
    MemorySegment.copy(matrix.values(), 0, to, JAVA_FLOAT, 4 * at, matrix.values().length);
  }

  /** Listing A.1: the live rows are copied together, and a BLAS multiplies them. */
  final class CopyThenMultiply implements RowStrategy {
    private final Blas blas;
    private final int n;
    private final MemorySegment[] matrices;
    private final MemorySegment copied;
    private final MemorySegment product;

    private CopyThenMultiply(Blas blas, DenseRows reset, DenseRows candidate, Arena memory) {
      this.blas = blas;
      this.n = reset.rows();
      this.matrices = new MemorySegment[2];
      for (int kind = 0; kind < 2; kind++) {
        matrices[kind] = PackMemory.allocate(4L * n * n, memory);
        copy(kind == 0 ? reset : candidate, matrices[kind], 0);
      }
      this.copied = PackMemory.allocate(8L * n * n, memory);
      this.product = memory.allocate(8L * n, 64);
    }

    @Override
    public void multiply(ActiveSet live, MemorySegment x, MemorySegment sums) {
      int count = live.count();
      if (count == 0) {
        return;
      }
      long to = 0;
      for (MemorySegment matrix : matrices) {
        for (int i = 0; i < count; i++) {
          MemorySegment.copy(matrix, 4L * n * live.at(i), copied, to, 4L * n);
          to += 4L * n;
        }
      }
      blas.sgemv(2 * count, n, copied, x, product);
      int stride = stride(n);
      for (int i = 0; i < count; i++) {
        sums.setAtIndex(JAVA_FLOAT, live.at(i), product.getAtIndex(JAVA_FLOAT, i));
        sums.setAtIndex(JAVA_FLOAT, stride + live.at(i), product.getAtIndex(JAVA_FLOAT, count + i));
      }
    }
  }
}

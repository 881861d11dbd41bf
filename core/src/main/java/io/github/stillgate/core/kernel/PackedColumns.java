package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The input columns of a group-major pack, one contiguous run per token. A one-hot input picks a
 * column instead of multiplying: {@link #sums} is what {@link PackedRows#multiply} would leave in
 * its input sums, bit for bit, without reading or copying anything.
 *
 * <p>Immutable and shared by all backends, since there is nothing to compute.
 */
public final class PackedColumns {
  private final MemorySegment[] columns;

  /** Packs the columns of {@code matrices}, all (units, tokens), into {@code memory}. */
  public PackedColumns(List<DenseMatrix> matrices, Arena memory) {
    int units = matrices.get(0).rows();
    int tokens = matrices.get(0).columns();
    int sumStride = RowLayout.padded(units);
    columns = new MemorySegment[tokens];
    for (int token = 0; token < tokens; token++) {
      MemorySegment column = memory.allocate(4L * matrices.size() * sumStride, RowLayout.ALIGNMENT);
      long at = 0;
      for (DenseMatrix m : matrices) {
        for (int unit = 0; unit < units; unit++) {
          // Adding +0 turns -0 into +0, as the sum over a one-hot row does.
          column.setAtIndex(ValueLayout.JAVA_FLOAT, at + unit, m.at(unit, token) + 0f);
        }
        at += sumStride;
      }
      columns[token] = column;
    }
  }

  /** Number of tokens. */
  public int tokens() {
    return columns.length;
  }

  /**
   * The input sums of all units for {@code token}: matrix k of unit i at {@code k * sumStride + i}.
   */
  public MemorySegment sums(int token) {
    return columns[token];
  }
}

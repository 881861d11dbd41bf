package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BlasPack;
import io.github.stillgate.core.kernel.DenseProducts;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowSource;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What all stages are packed with.
 *
 * @param backend makes the packs
 * @param memory holds the packs until the plan is closed
 * @param format how weights are stored
 * @param blas serves whole dense products of many streams, if it is asked for
 * @param tokens whether the stage is to take one-hot inputs by token; its input is operand 0
 */
public record Packing(
    Backend backend,
    Arena memory,
    WeightFormat format,
    @Nullable DenseProducts blas,
    boolean tokens) {
  /** Units of a group in a layer whose units are all live: one panel a kind. */
  private static final int TILE_UNITS = Lanes.COUNT;

  /** The same for what no token reaches. */
  Packing withoutTokens() {
    return new Packing(backend, memory, format, blas, false);
  }

  /**
   * Rows that are live or still one by one, each summed by itself.
   *
   * @param operands the matrices over operand 0, over operand 1, ...
   */
  @SafeVarargs
  final Pack rows(List<Matrix>... operands) {
    return pack(SumOrder.INTERLEAVED, 1, operands);
  }

  /** Rows of a layer whose units are all live in every step: panels, in groups of one panel. */
  @SafeVarargs
  final Pack panels(List<Matrix>... operands) {
    return pack(SumOrder.CHAIN, TILE_UNITS, operands);
  }

  /**
   * The same for a layer that is multiplied whole, so that a BLAS may serve it; gates are not:
   * their order of summation decides what is live.
   */
  @SafeVarargs
  final Pack dense(List<Matrix>... operands) {
    return shared(panels(operands));
  }

  /** {@code pack} with the products of many streams left to the BLAS, if there is one. */
  Pack shared(Pack pack) {
    return blas == null ? pack : new BlasPack(pack, blas, memory);
  }

  /** Rows of blocks of units that are live or still together: panels, in groups of one block. */
  @SafeVarargs
  final Pack blocks(int blockUnits, List<Matrix>... operands) {
    return pack(SumOrder.CHAIN, blockUnits, operands);
  }

  @SafeVarargs
  private Pack pack(SumOrder order, int groupUnits, List<Matrix>... operands) {
    List<RowGroups.Rows> kinds = new ArrayList<>();
    for (int operand = 0; operand < operands.length; operand++) {
      for (Matrix matrix : operands[operand]) {
        kinds.add(new RowGroups.Rows(operand, source(matrix)));
      }
    }
    OptionalInt byToken = tokens ? OptionalInt.of(0) : OptionalInt.empty();
    RowGroups rows = new RowGroups(operands[0].get(0).rows(), groupUnits, kinds, byToken);
    return backend.pack(rows, order, format, memory);
  }

  private static RowSource source(Matrix matrix) {
    return new RowSource() {
      @Override
      public int rows() {
        return matrix.rows();
      }

      @Override
      public int columns() {
        return matrix.columns();
      }

      @Override
      public void copyRow(int row, float[] to) {
        matrix.copyRow(row, to, 0);
      }
    };
  }

  /** The vectors one after the other, each padded. */
  MemorySegment vectors(Matrix... vectors) {
    int length = vectors[0].rows();
    int stride = Lanes.padded(length);
    MemorySegment packed = Lanes.floats(vectors.length, length, memory);
    for (int i = 0; i < vectors.length; i++) {
      float[] values = vectors[i].toArray();
      MemorySegment.copy(values, 0, packed, JAVA_FLOAT, 4L * stride * i, values.length);
    }
    return packed;
  }
}

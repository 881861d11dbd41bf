package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BlasPack;
import io.github.stillgate.core.kernel.DenseProducts;
import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowSource;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
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
 * @param zeroRows whether rows of nothing but zeros are packed too, in layers that are multiplied
 *     whole; their sums are +0 either way
 * @param stateBound largest magnitude that a recurrent state may be set to; 0 for what its layer
 *     reaches
 * @param movement which int8 values count as moved
 * @param int8 knows the scales of the layer's operands
 */
public record Packing(
    Backend backend,
    Arena memory,
    WeightFormat format,
    @Nullable DenseProducts blas,
    boolean tokens,
    boolean zeroRows,
    double stateBound,
    Movement movement,
    Int8Operands int8) {
  /** Units of a group in a layer whose units are all live: one panel a kind. */
  private static final int TILE_UNITS = Lanes.COUNT;

  /**
   * The same where rows are missing: the last panel of a group is filled up with zeros, which costs
   * less in fewer, larger groups.
   */
  private static final int SPARSE_TILE_UNITS = 8 * Lanes.COUNT;

  /** The same for what no token reaches. */
  Packing withoutTokens() {
    return new Packing(backend, memory, format, blas, false, zeroRows, stateBound, movement, int8);
  }

  /** Bounds of a recurrent layer for inputs up to {@code input} in magnitude. */
  Bounds bounds(String layer, double input) {
    return new Bounds(layer, input, stateBound);
  }

  /**
   * Rows that decide which units are live, each summed by itself: few, and never in int8.
   *
   * @param operands the matrices over operand 0, over operand 1, ...
   */
  @SafeVarargs
  final Pack rows(List<Matrix>... operands) {
    return pack(SumOrder.INTERLEAVED, 1, kinds(true, operands));
  }

  /**
   * Rows that are live or still one by one, each summed by itself.
   *
   * @param bounds of each operand
   * @param operands the matrices over operand 0, over operand 1, ...
   */
  @SafeVarargs
  final Pack gatedRows(List<OperandBound> bounds, List<Matrix>... operands) {
    return format == WeightFormat.I8 ? integerRows(1, bounds, operands) : rows(operands);
  }

  /**
   * Int8 rows in groups of units that are live or still together. Sums are not kept: those of a
   * still unit would go stale.
   */
  @SafeVarargs
  private Pack integerRows(int groupUnits, List<OperandBound> bounds, List<Matrix>... operands) {
    return integers(SumOrder.ROWS, groupUnits, bounds, kinds(true, operands));
  }

  /** The format of rows that decide. */
  private WeightFormat decidingFormat() {
    return format == WeightFormat.I8 ? WeightFormat.F32 : format;
  }

  /** Rows of a layer whose units are all live in every step: panels, in groups of one panel. */
  @SafeVarargs
  final Pack panels(List<Matrix>... operands) {
    return pack(SumOrder.CHAIN, TILE_UNITS, kinds(true, operands));
  }

  /**
   * The same for a layer that is multiplied whole, so that a BLAS may serve it, and rows of zeros
   * are left out; gates are not: their order of summation decides what is live.
   *
   * @param bounds of each operand
   */
  @SafeVarargs
  final Pack dense(List<OperandBound> bounds, List<Matrix>... operands) {
    if (format == WeightFormat.I8) {
      return integers(SumOrder.TILES, PackLayout.TILE_UNITS, bounds, kinds(true, operands));
    }
    List<RowGroups.Rows> kinds = kinds(zeroRows, operands);
    boolean sparse = kinds.stream().anyMatch(kind -> kind.present() != null);
    return shared(pack(SumOrder.CHAIN, sparse ? SPARSE_TILE_UNITS : TILE_UNITS, kinds));
  }

  /** Rows of a layer that is multiplied whole, each summed by itself. */
  Pack denseRows(OperandBound bound, Matrix matrix) {
    if (format == WeightFormat.I8) {
      return integers(
          SumOrder.TILES, PackLayout.TILE_UNITS, List.of(bound), kinds(true, List.of(matrix)));
    }
    return shared(pack(SumOrder.INTERLEAVED, 1, kinds(zeroRows, List.of(matrix))));
  }

  /** {@code pack} with the products of many streams left to the BLAS, if there is one. */
  private Pack shared(Pack pack) {
    return blas == null ? pack : new BlasPack(pack, blas, memory);
  }

  /** Rows of blocks of units that decide together: panels, in groups of one block. */
  @SafeVarargs
  final Pack blocks(int blockUnits, List<Matrix>... operands) {
    return pack(SumOrder.CHAIN, blockUnits, kinds(true, operands));
  }

  /** Rows of blocks of units that are live or still together. */
  @SafeVarargs
  final Pack gatedBlocks(int blockUnits, List<OperandBound> bounds, List<Matrix>... operands) {
    return format == WeightFormat.I8
        ? integerRows(blockUnits, bounds, operands)
        : blocks(blockUnits, operands);
  }

  @SafeVarargs
  private static List<RowGroups.Rows> kinds(boolean zeroRows, List<Matrix>... operands) {
    List<RowGroups.Rows> kinds = new ArrayList<>();
    for (int operand = 0; operand < operands.length; operand++) {
      for (Matrix matrix : operands[operand]) {
        BitSet present = zeroRows ? null : nonZeroRows(matrix);
        kinds.add(new RowGroups.Rows(operand, source(matrix), present));
      }
    }
    return kinds;
  }

  /** The rows with a weight that is not 0, or null if that is all of them. */
  private static @Nullable BitSet nonZeroRows(Matrix matrix) {
    BitSet rows = new BitSet(matrix.rows());
    for (int row = 0; row < matrix.rows(); row++) {
      rows.set(row, !matrix.isZeroRow(row));
    }
    return rows.cardinality() == matrix.rows() ? null : rows;
  }

  private Pack pack(SumOrder order, int groupUnits, List<RowGroups.Rows> kinds) {
    int units = kinds.get(0).weights().rows();
    RowGroups rows = new RowGroups(units, groupUnits, kinds, byToken());
    return backend.pack(rows, order, decidingFormat(), memory);
  }

  private Pack integers(
      SumOrder order, int groupUnits, List<OperandBound> bounds, List<RowGroups.Rows> kinds) {
    RowGroups rows =
        new RowGroups(
            kinds.get(0).weights().rows(),
            groupUnits,
            kinds,
            byToken(),
            bounds.stream().map(OperandBound::reach).toList(),
            bounds.stream().map(this::foundScale).toList(),
            movement);
    Pack pack = backend.pack(rows, order, format, memory);
    for (int operand = 0; operand < bounds.size(); operand++) {
      boolean proved = Int8.isProved(rows.reach().get(operand)) || tokens && operand == 0;
      int8.packed(bounds.get(operand).role(), pack.weights().operandScale(operand), proved);
    }
    return pack;
  }

  /** No operand needs a larger scale than its bound; under that no sum overflows. */
  private float foundScale(OperandBound bound) {
    return Math.min(int8.found(bound.role()), (float) (bound.reach() / Int8.LARGEST));
  }

  private OptionalInt byToken() {
    return tokens ? OptionalInt.of(0) : OptionalInt.empty();
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

      @Override
      public float scale(int row) {
        return matrix.rowScale(row);
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

package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A pack whose products of several streams, all groups live, are left to a BLAS; everything else is
 * the pack's own. The matrices are kept a second time, row by row, as a BLAS reads them: row {@code
 * k * sumStride + i} is kind k of unit i, so one row of a result is the sums of one stream.
 */
public final class BlasPack extends Pack {
  private final Pack own;
  private final DenseProducts blas;
  private final MemorySegment[] matrices;

  /** {@code own} with the products of many streams left to {@code blas}. */
  public BlasPack(Pack own, DenseProducts blas, Arena arena) {
    super(own.weights());
    this.own = own;
    this.blas = blas;
    this.matrices = new MemorySegment[layout().operands()];
    for (int operand = 0; operand < matrices.length; operand++) {
      matrices[operand] = matrix(layout().part(operand), arena);
    }
  }

  private MemorySegment matrix(PackLayout.Part part, Arena arena) {
    int columns = part.columns();
    MemorySegment matrix = PackMemory.allocate(4L * part.sumFloats() * columns, arena);
    for (int group = 0; group < layout().groups(); group++) {
      for (int row = 0; row < part.rows(group); row++) {
        long at = (long) part.sumAt(part.firstRow(group) + row) * columns;
        for (int column = 0; column < columns; column++) {
          float weight = weights().weight(part.at(group, row, column));
          matrix.setAtIndex(JAVA_FLOAT, at + column, weight);
        }
      }
    }
    return matrix;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    own.multiply(set, from, to, stream, scratch);
  }

  @Override
  public int batchScratchFloats(int capacity) {
    int most = 0;
    for (int operand = 0; operand < matrices.length; operand++) {
      PackLayout.Part part = layout().part(operand);
      most = Math.max(most, Lanes.padded(capacity * part.columns()) + capacity * part.sumFloats());
    }
    return Math.max(own.batchScratchFloats(capacity), most);
  }

  /** A BLAS multiplies whole matrices, on threads of its own. */
  @Override
  public boolean dividesBatches() {
    return false;
  }

  @Override
  public void prepare(Batch batch) {
    if (!isWhole(batch, 0, batch.groups())) {
      own.prepare(batch);
    }
  }

  @Override
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    if (!isWhole(batch, from, to)) {
      own.multiply(batch, from, to, scratch);
      return;
    }
    for (int operand = 0; operand < matrices.length; operand++) {
      if (!batch.leavesOut(operand)) {
        multiply(batch, operand, scratch);
      }
    }
  }

  private static boolean isWhole(Batch batch, int from, int to) {
    return batch.count() > 1 && from == 0 && to == batch.groups() && batch.isAllLive();
  }

  private void multiply(Batch batch, int operand, MemorySegment scratch) {
    int streams = batch.count();
    int columns = layout().part(operand).columns();
    int rows = layout().part(operand).sumFloats();
    for (int s = 0; s < streams; s++) {
      MemorySegment vector = bound(batch.binding(s).vector(operand));
      MemorySegment.copy(vector, 0, scratch, 4L * s * columns, 4L * columns);
    }
    // A view of memory in the middle of a product: once a batch, not once a stream.
    MemorySegment products = scratch.asSlice(4L * Lanes.padded(streams * columns));
    blas.multiply(streams, rows, columns, scratch, matrices[operand], products);
    for (int s = 0; s < streams; s++) {
      MemorySegment sums = bound(batch.binding(s).sums(operand));
      MemorySegment.copy(products, 4L * s * rows, sums, 0, 4L * rows);
    }
  }

  private static MemorySegment bound(@Nullable MemorySegment segment) {
    if (segment == null) {
      throw new AssertionError("streams of one batch leave out the same operands");
    }
    return segment;
  }
}

package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.PackedColumns;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one group-major pack and, in a stage that reads tokens, the columns of their input
 * part. Shared by all streams; a {@link Sums} adds what one stream needs to multiply.
 */
final class RowBank {
  private final PackedRows rows;
  private final @Nullable PackedColumns columns;

  RowBank(Packing packing, List<Matrix> state, List<Matrix> input) {
    RowGroups groups =
        new RowGroups(
            state.stream().map(Matrix::toDense).toList(),
            input.stream().map(Matrix::toDense).toList());
    this.rows = packing.backend().packRows(groups, packing.memory());
    this.columns = packing.tokens() ? new PackedColumns(groups.input(), packing.memory()) : null;
  }

  /** Weight bytes read for one group, by token or by vector. */
  long groupBytes(boolean token) {
    RowLayout layout = rows.layout();
    return layout.groupBytes(true, !token) + (token ? 4L * layout.inputRows() : 0);
  }

  /** One stream's sums over a bank. */
  final class Sums {
    private final MemorySegment input;
    private final @Nullable MemorySegment state;
    private final MemorySegment stateSums;
    private final MemorySegment vectorSums;
    private MemorySegment inputSums;

    private Sums(MemorySegment input, @Nullable MemorySegment state, SegmentAllocator scratch) {
      RowLayout layout = rows.layout();
      this.input = input;
      this.state = state;
      this.stateSums =
          scratch.allocate(
              4L * Math.max(1, layout.stateRows()) * layout.sumStride(), RowLayout.ALIGNMENT);
      this.vectorSums =
          scratch.allocate(4L * layout.inputRows() * layout.sumStride(), RowLayout.ALIGNMENT);
      this.inputSums = vectorSums;
    }

    void multiply(ActiveSet set) {
      inputSums = vectorSums;
      rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
    }

    void multiply(ActiveSet set, int token) {
      inputSums = tokenColumns().sums(token);
      if (state != null) {
        rows.multiply(set, 0, set.count(), state, stateSums, null, null);
      }
    }

    /** Sums over the state; all +0 in a bank without state rows. */
    MemorySegment overState() {
      return stateSums;
    }

    MemorySegment overInput() {
      return inputSums;
    }

    private PackedColumns tokenColumns() {
      if (columns == null) {
        throw new AssertionError("a token reached a stage that was packed for vectors");
      }
      return columns;
    }
  }

  /** Binds the bank to one stream's input and, if it has rows over one, state. */
  Sums open(MemorySegment input, @Nullable MemorySegment state, SegmentAllocator scratch) {
    return new Sums(input, state, scratch);
  }
}

package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.GroupLayout;
import io.github.stillgate.core.kernel.PackedColumns;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one group-major pack and, in a stage that reads tokens, the columns of their input
 * part. Shared by all streams; a {@link Sums} adds what one stream needs to multiply.
 */
final class RowBank {
  private final PackedRows rows;
  private final @Nullable PackedColumns columns;

  RowBank(PackedRows rows, @Nullable PackedColumns columns) {
    this.rows = rows;
    this.columns = columns;
  }

  /** The pack. */
  PackedRows rows() {
    return rows;
  }

  /** Whether its input rows are given by token, as columns. */
  boolean readsTokens() {
    return columns != null;
  }

  /** Number of groups. */
  int groups() {
    return rows.layout().groups();
  }

  /** Weight bytes read for one group, by token or by vector. */
  long groupBytes(boolean token) {
    GroupLayout layout = rows.layout();
    boolean byToken = token && columns != null;
    long columnBytes = byToken ? 4L * layout.inputRows() * layout.groupUnits() : 0;
    return layout.groupBytes(true, !byToken) + columnBytes;
  }

  /** Weight bytes read for all groups. */
  long bytes(boolean token) {
    return groups() * groupBytes(token);
  }

  /** Binds the bank to one stream's input and, if it has rows over one, state. */
  Sums open(MemorySegment input, @Nullable MemorySegment state, SegmentAllocator scratch) {
    return new Sums(input, state, scratch);
  }

  /** One stream's sums over a bank. */
  final class Sums {
    private final MemorySegment input;
    private final @Nullable MemorySegment state;
    private final MemorySegment stateSums;
    private final MemorySegment vectorSums;
    private MemorySegment inputSums;
    private long bytesRead;

    private Sums(MemorySegment input, @Nullable MemorySegment state, SegmentAllocator scratch) {
      GroupLayout layout = rows.layout();
      this.input = input;
      this.state = state;
      this.stateSums =
          scratch.allocate(
              4L * layout.sumFloats(Math.max(1, layout.stateRows())), RowLayout.ALIGNMENT);
      this.vectorSums =
          scratch.allocate(4L * layout.sumFloats(layout.inputRows()), RowLayout.ALIGNMENT);
      this.inputSums = vectorSums;
    }

    void multiply(ActiveSet set) {
      takeVector(set);
      rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
    }

    void multiply(ActiveSet set, int token) {
      takeToken(set, token);
      if (state != null) {
        rows.multiply(set, 0, set.count(), state, stateSums, null, null);
      }
    }

    /** Whether its input rows read {@code vector}. */
    boolean reads(MemorySegment vector) {
      return input == vector;
    }

    /** The rest of a multiplication whose sums over the input were made before. */
    void multiplyState(ActiveSet set, MemorySegment inputSumsMadeBefore) {
      takeVector(set);
      inputSums = inputSumsMadeBefore;
      if (state != null) {
        rows.multiply(set, 0, set.count(), state, stateSums, null, null);
      }
    }

    /** What {@link #multiply(ActiveSet)} does, left to {@code batch}. */
    void multiplyIn(Batch batch, ActiveSet set) {
      takeVector(set);
      batch.add(set, state, stateSums, input, inputSums);
    }

    /** What {@link #multiply(ActiveSet, int)} does, left to {@code batch}. */
    void multiplyIn(Batch batch, ActiveSet set, int token) {
      takeToken(set, token);
      if (state != null) {
        batch.add(set, state, stateSums, null, null);
      }
    }

    private void takeVector(ActiveSet set) {
      inputSums = vectorSums;
      bytesRead = set.count() * groupBytes(false);
    }

    private void takeToken(ActiveSet set, int token) {
      if (columns == null) {
        throw new AssertionError("a token reached a stage that was packed for vectors");
      }
      inputSums = columns.sums(token);
      bytesRead = set.count() * groupBytes(true);
    }

    /** The bank these sums are over. */
    RowBank bank() {
      return RowBank.this;
    }

    /** Sums over the state; all +0 in a bank without state rows. */
    MemorySegment overState() {
      return stateSums;
    }

    MemorySegment overInput() {
      return inputSums;
    }

    /** Weight bytes the last multiplication read. */
    long bytesRead() {
      return bytesRead;
    }
  }
}

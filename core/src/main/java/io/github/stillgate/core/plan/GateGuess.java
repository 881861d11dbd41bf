package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * A {@link GateEstimate}, packed: what the gates of a layer are thought to be before any is read.
 */
final class GateGuess {
  private final int units;
  private final int rank;
  private final Cells cells;
  private final RowBank down;
  private final RowBank up;
  private final MemorySegment none;
  private final MemorySegment bias;
  private final ActiveSet allRanks;
  private final ActiveSet whole;

  GateGuess(Gru layer, GateEstimate estimate, double inputBound, Packing packing) {
    this.units = layer.outputs();
    this.rank = estimate.rank();
    this.cells = packing.backend().cells();
    Matrix nothing = Matrix.vector(layer.name() + ".estimate", new float[rank]);
    float[] raised = layer.z().b().toArray();
    for (int i = 0; i < units; i++) {
      raised[i] += estimate.correction();
    }
    Matrix biases = Matrix.vector(layer.z().b().name(), raised);
    double sums =
        Packing.bound(estimate.wDown(), inputBound, estimate.uDown(), Stage.STATE_BOUND, nothing);
    Packing.bound(estimate.up(), sums, biases);
    this.down = packing.bank(1, List.of(estimate.uDown()), List.of(estimate.wDown()));
    // Its rows are short: as one block they need no sum across lanes.
    this.up = packing.withoutTokens().bank(units, List.of(), List.of(estimate.up()));
    this.none = packing.vectors(nothing);
    this.bias = packing.vectors(biases);
    for (int i = units; i < RowLayout.padded(units); i++) {
      bias.setAtIndex(JAVA_FLOAT, i, SkippingGruStage.SHUT);
    }
    this.allRanks = ActiveSet.all(rank, packing.memory());
    this.whole = ActiveSet.all(1, packing.memory());
  }

  long bytes(boolean token) {
    return down.bytes(token) + up.bytes(false);
  }

  /** Multiplied whole before {@link Run#guess}. */
  ActiveSet groups() {
    return allRanks;
  }

  Run open(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
    return new Run(input, h, scratch);
  }

  /** One stream's guesses. */
  final class Run {
    private final RowBank.Sums sums;
    private final MemorySegment narrow;
    private final MemorySegment a;
    private final RowBank.Sums expanded;

    private Run(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
      this.sums = down.open(input, h, scratch);
      this.narrow = scratch.allocate(4L * RowLayout.padded(rank), RowLayout.ALIGNMENT);
      this.a = scratch.allocate(4L * RowLayout.padded(units), RowLayout.ALIGNMENT);
      this.expanded = up.open(narrow, null, scratch);
    }

    RowBank.Sums sums() {
      return sums;
    }

    /** From the sums: {@code z = sigmoid(a^)}. */
    void guess(MemorySegment z) {
      cells.addBoth(rank, sums.overState(), sums.overInput(), none, narrow);
      expanded.multiply(whole);
      cells.add(units, expanded.overInput(), bias, a);
      cells.apply(Pointwise.SIGMOID, 0, 0, units, a, z);
    }

    long bytesRead() {
      return sums.bytesRead() + expanded.bytesRead();
    }
  }
}

package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A dense layer, linear or softmax. It has no gates and keeps no state. */
final class DenseStage extends Stage {
  private final int outputs;
  private final double outputBound;
  private final Activation activation;
  private final Cells cells;
  private final RowBank rows;
  private final MemorySegment bias;
  private final ActiveSet allRows;

  DenseStage(Dense layer, double inputBound, Packing packing) {
    double sums = Packing.bound(layer.w(), inputBound, layer.b());
    this.outputs = layer.outputs();
    this.activation = layer.activation();
    this.outputBound = activation == Activation.SOFTMAX ? 1 : sums;
    this.cells = packing.backend().cells();
    this.rows = packing.bank(1, List.of(), List.of(layer.w()));
    this.bias = packing.vectors(layer.b());
    this.allRows = ActiveSet.all(outputs, packing.memory());
  }

  @Override
  int outputs() {
    return outputs;
  }

  @Override
  double outputBound() {
    return outputBound;
  }

  @Override
  int stateFloats() {
    return 0;
  }

  @Override
  long denseBytes(boolean token) {
    return rows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Ungated(input, scratch);
  }

  private final class Ungated implements Run {
    private final RowBank.Sums sums;
    private final MemorySegment out;

    Ungated(MemorySegment input, SegmentAllocator scratch) {
      this.sums = rows.open(input, null, scratch);
      this.out = scratch.allocate(4L * RowLayout.padded(outputs), RowLayout.ALIGNMENT);
    }

    @Override
    public MemorySegment output() {
      return out;
    }

    @Override
    public int units() {
      return 0;
    }

    @Override
    public int liveUnits() {
      return 0;
    }

    @Override
    public long bytesRead() {
      return sums.bytesRead();
    }

    @Override
    public int phases() {
      return 1;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return sums;
    }

    @Override
    public ActiveSet groups(int phase) {
      return allRows;
    }

    @Override
    public void finish(int phase) {
      switch (activation) {
        case LINEAR -> cells.add(outputs, sums.overInput(), bias, out);
        case SOFTMAX -> cells.softmax(outputs, sums.overInput(), bias, out);
      }
    }
  }
}

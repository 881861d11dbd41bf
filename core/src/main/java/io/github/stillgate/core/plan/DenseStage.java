package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A dense layer, or an embedding, which is one over one-hot inputs. It has no gates and keeps no
 * state.
 */
final class DenseStage extends Stage {
  private final int outputs;
  private final double outputBound;
  private final @Nullable Elementwise elementwise;
  private final boolean isLinear;
  private final Cells cells;
  private final RowBank rows;
  private final MemorySegment bias;
  private final ActiveSet allRows;

  DenseStage(Dense layer, double inputBound, Packing packing) {
    double sums = Packing.bound(layer.w(), inputBound, layer.b());
    this.outputs = layer.outputs();
    Activation activation = layer.activation();
    this.outputBound =
        switch (activation) {
          case Activation.Softmax _ -> 1;
          case Activation.Elementwise f -> Packing.bound(f, sums, layer.name());
        };
    this.cells = packing.backend().cells();
    this.isLinear = activation.equals(Activation.LINEAR);
    this.elementwise =
        activation instanceof Activation.Elementwise f ? new Elementwise(f, cells) : null;
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
  List<StatePart> stateParts() {
    return List.of();
  }

  @Override
  long denseBytes(boolean token) {
    return rows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Ungated(input, scratch);
  }

  private final class Ungated extends UngatedRun {
    private final RowBank.Sums sums;
    private final MemorySegment out;
    private final MemorySegment raw;

    Ungated(MemorySegment input, SegmentAllocator scratch) {
      super(0, allRows);
      this.sums = rows.open(input, null, scratch);
      this.out = scratch.allocate(4L * RowLayout.padded(outputs), RowLayout.ALIGNMENT);
      this.raw = scratch.allocate(4L * RowLayout.padded(outputs), RowLayout.ALIGNMENT);
    }

    @Override
    public MemorySegment output() {
      return out;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return sums;
    }

    @Override
    public void finish(int phase) {
      if (elementwise == null) {
        cells.softmax(outputs, sums.overInput(), bias, out);
      } else if (isLinear) {
        cells.add(outputs, sums.overInput(), bias, out);
      } else {
        cells.add(outputs, sums.overInput(), bias, raw);
        elementwise.apply(outputs, raw, out);
      }
    }
  }
}

package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.SimpleRnn;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A recurrent layer without gates: every row is read in every step. */
final class SimpleRnnStage extends Stage {
  private final int units;
  private final Cells cells;
  private final Elementwise activation;
  private final RowBank rows;
  private final MemorySegment bias;
  private final ActiveSet allUnits;
  private final double bound;
  private final List<StatePart> parts;

  SimpleRnnStage(SimpleRnn layer, double inputBound, Packing packing) {
    this.bound = Packing.bounded(layer.activation(), layer.name()) * ROUNDING;
    double sums = Packing.bound(layer.w(), inputBound, layer.u(), bound, layer.b());
    Packing.bound(layer.activation(), sums, layer.name());
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.activation = new Elementwise(layer.activation(), cells);
    this.rows = packing.bank(1, List.of(layer.u()), List.of(layer.w()));
    this.bias = packing.vectors(layer.b());
    this.allUnits = ActiveSet.all(units, packing.memory());
    this.parts = hidden(layer, bound);
  }

  @Override
  int outputs() {
    return units;
  }

  @Override
  double outputBound() {
    return bound;
  }

  @Override
  List<StatePart> stateParts() {
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    return rows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Recurrent(input, state, scratch);
  }

  private final class Recurrent extends UngatedRun {
    private final MemorySegment h;
    private final RowBank.Sums sums;
    private final MemorySegment raw;

    Recurrent(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      super(units, allUnits);
      long row = 4L * RowLayout.padded(units);
      this.h = state.allocate(row, RowLayout.ALIGNMENT);
      this.sums = rows.open(input, h, scratch);
      this.raw = scratch.allocate(row, RowLayout.ALIGNMENT);
    }

    @Override
    public MemorySegment output() {
      return h;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return sums;
    }

    @Override
    public void finish(int phase) {
      cells.addBoth(units, sums.overState(), sums.overInput(), bias, raw);
      activation.apply(units, raw, h);
    }
  }
}

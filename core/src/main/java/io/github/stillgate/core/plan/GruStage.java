package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Gru;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** An ordinary GRU with the reset after the matrix: every row is read in every step. */
final class GruStage extends Stage {
  private final int units;
  private final Cells cells;
  private final RowBank unitRows;
  private final MemorySegment bias;
  private final ActiveSet allUnits;

  GruStage(Gru layer, double inputBound, Packing packing) {
    Packing.bound(layer.wz(), inputBound, layer.uz(), STATE_BOUND, layer.bz());
    Packing.bound(layer.wr(), inputBound, layer.ur(), STATE_BOUND, layer.br());
    Packing.bound(layer.wc(), inputBound, layer.uc(), STATE_BOUND, layer.bc());
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.unitRows =
        packing.bank(
            1,
            List.of(layer.uz(), layer.ur(), layer.uc()),
            List.of(layer.wz(), layer.wr(), layer.wc()));
    this.bias = packing.vectors(layer.bz(), layer.br(), layer.bc());
    this.allUnits = ActiveSet.all(units, packing.memory());
  }

  @Override
  int outputs() {
    return units;
  }

  @Override
  double outputBound() {
    return STATE_BOUND;
  }

  @Override
  int stateFloats() {
    return RowLayout.padded(units);
  }

  @Override
  long denseBytes(boolean token) {
    return unitRows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Dense(input, state, scratch);
  }

  private final class Dense implements Run {
    private final MemorySegment h;
    private final RowBank.Sums sums;

    Dense(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      this.h = state.allocate(4L * stateFloats(), RowLayout.ALIGNMENT);
      this.sums = unitRows.open(input, h, scratch);
    }

    @Override
    public MemorySegment output() {
      return h;
    }

    @Override
    public int units() {
      return units;
    }

    @Override
    public int liveUnits() {
      return units;
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
      return allUnits;
    }

    @Override
    public void finish(int phase) {
      cells.gru(units, sums.overState(), sums.overInput(), bias, h);
    }
  }
}

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
        new RowBank(
            packing,
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
    return units * unitRows.groupBytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Dense(input, state, scratch);
  }

  private final class Dense implements Run {
    private final MemorySegment h;
    private final RowBank.Sums sums;
    private long bytesRead;

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
      return bytesRead;
    }

    @Override
    public void step() {
      sums.multiply(allUnits);
      finish(false);
    }

    @Override
    public void step(int token) {
      sums.multiply(allUnits, token);
      finish(true);
    }

    private void finish(boolean token) {
      cells.gru(units, sums.overState(), sums.overInput(), bias, h);
      bytesRead = denseBytes(token);
    }
  }
}

package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gating;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * A conditional GRU with unit gating. A step reads the bottleneck's rows and the gate's panels
 * whole, and of the reset and candidate rows those of live units; a live unit's rows lie next to
 * each other.
 */
final class ConditionalGruStage extends Stage {
  private final int units;
  private final int rank;
  private final Cells cells;
  private final Skipping skipping;
  private final RowBank bottleneck;
  private final MemorySegment bottleneckBias;
  private final PackedPanels gate;
  private final MemorySegment gateBias;
  private final RowBank unitRows;
  private final MemorySegment unitBias;
  private final ActiveSet allBottleneck;
  private final ActiveSet allUnits;

  ConditionalGruStage(ConditionalGru layer, double inputBound, Packing packing) {
    Gating.Unit gating =
        switch (layer.gating()) {
          case Gating.Unit unit -> unit;
        };
    double u = Packing.bound(gating.wu(), inputBound, gating.uu(), STATE_BOUND, gating.bu());
    Packing.bound(gating.wz(), u, gating.bz());
    Packing.bound(layer.wr(), inputBound, layer.ur(), STATE_BOUND, layer.br());
    Packing.bound(layer.wc(), inputBound, layer.uc(), STATE_BOUND, layer.bc());
    this.units = layer.outputs();
    this.rank = gating.rank();
    this.cells = packing.backend().cells();
    this.skipping = packing.skipping();
    this.bottleneck = new RowBank(packing, List.of(gating.uu()), List.of(gating.wu()));
    this.bottleneckBias = packing.vectors(gating.bu());
    this.gate = packing.backend().packPanels(gating.wz().toDense(), packing.memory());
    this.gateBias = packing.vectors(gating.bz());
    this.unitRows =
        new RowBank(packing, List.of(layer.ur(), layer.uc()), List.of(layer.wr(), layer.wc()));
    this.unitBias = packing.vectors(layer.br(), layer.bc());
    this.allBottleneck = ActiveSet.all(rank, packing.memory());
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
    return bytes(token, units);
  }

  /** Weight bytes of a step that computes {@code computed} units. */
  private long bytes(boolean token, int computed) {
    return rank * bottleneck.groupBytes(token)
        + gate.layout().bytes()
        + computed * unitRows.groupBytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new UnitGated(input, state, scratch);
  }

  private final class UnitGated implements Run {
    private final MemorySegment h;
    private final RowBank.Sums bottleneckSums;
    private final MemorySegment u;
    private final MemorySegment a;
    private final ActiveSet live;
    private final RowBank.Sums unitSums;
    private long bytesRead;

    UnitGated(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      this.h = state.allocate(4L * stateFloats(), RowLayout.ALIGNMENT);
      this.bottleneckSums = bottleneck.open(input, h, scratch);
      this.u = scratch.allocate(4L * RowLayout.padded(rank), RowLayout.ALIGNMENT);
      this.a = scratch.allocate(4L * RowLayout.padded(units), RowLayout.ALIGNMENT);
      this.live = new ActiveSet(units, scratch);
      this.unitSums = unitRows.open(input, h, scratch);
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
      return live.count();
    }

    @Override
    public long bytesRead() {
      return bytesRead;
    }

    @Override
    public void step() {
      bottleneckSums.multiply(allBottleneck);
      selectLive();
      ActiveSet computed = computed();
      unitSums.multiply(computed);
      finish(false, computed);
    }

    @Override
    public void step(int token) {
      bottleneckSums.multiply(allBottleneck, token);
      selectLive();
      ActiveSet computed = computed();
      unitSums.multiply(computed, token);
      finish(true, computed);
    }

    private void selectLive() {
      cells.relu(rank, bottleneckSums.overState(), bottleneckSums.overInput(), bottleneckBias, u);
      gate.multiply(u, a);
      cells.add(units, a, gateBias, a);
      cells.selectPositive(units, a, live);
    }

    private ActiveSet computed() {
      return skipping == Skipping.STILL_UNITS ? live : allUnits;
    }

    private void finish(boolean token, ActiveSet computed) {
      cells.conditionalGru(units, a, unitSums.overState(), unitSums.overInput(), unitBias, h);
      bytesRead = bytes(token, computed.count());
    }
  }
}

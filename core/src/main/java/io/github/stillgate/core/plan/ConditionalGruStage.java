package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.ConditionalGru;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A conditional GRU. A step reads its gates whole, and of the reset and candidate rows those of
 * live units or blocks, which lie next to each other; above the crossover it reads them all.
 */
final class ConditionalGruStage extends Stage {
  private final int units;
  private final Cells cells;
  private final Gates gates;
  private final RowBank unitRows;
  private final MemorySegment unitBias;
  private final ActiveSet allGroups;
  private final Crossover crossover;
  private final List<StatePart> parts;

  ConditionalGruStage(
      ConditionalGru layer, double inputBound, Packing packing, Crossover crossover) {
    Packing.bound(layer.r().w(), inputBound, layer.r().u(), STATE_BOUND, layer.r().b());
    Packing.bound(layer.c().w(), inputBound, layer.c().u(), STATE_BOUND, layer.c().b());
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.gates = Gates.of(layer.gating(), inputBound, packing);
    this.unitRows =
        packing.bank(
            gates.groupUnits(),
            List.of(layer.r().u(), layer.c().u()),
            List.of(layer.r().w(), layer.c().w()));
    this.unitBias = packing.vectors(layer.r().b(), layer.c().b());
    this.allGroups = ActiveSet.all(unitRows.groups(), packing.memory());
    this.crossover = crossover;
    this.parts = hidden(layer, STATE_BOUND);
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
  List<StatePart> stateParts() {
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    return gates.denseBytes(token) + unitRows.bytes(token);
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    crossover.measure(unitRows, cancelled);
  }

  @Override
  double crossover() {
    return crossover.fraction();
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Gated(input, state, scratch);
  }

  private final class Gated implements Run {
    private final MemorySegment h;
    private final Gates.Run gate;
    private final RowBank.Sums unitSums;

    Gated(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      this.h = state.allocate(4L * stateFloats(), RowLayout.ALIGNMENT);
      this.gate = gates.open(input, h, scratch);
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
      return gate.live.count() * gates.groupUnits();
    }

    @Override
    public long bytesRead() {
      return gate.bytesRead() + unitSums.bytesRead();
    }

    @Override
    public int phases() {
      return 2;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return phase == 0 ? gate.sums : unitSums;
    }

    @Override
    public ActiveSet groups(int phase) {
      if (phase == 0) {
        return gate.groups();
      }
      return crossover.runsDense(gate.live.count(), allGroups.count()) ? allGroups : gate.live;
    }

    /** The gates are read whole. */
    @Override
    public boolean fixedGroups(int phase) {
      return phase == 0;
    }

    @Override
    public void finish(int phase) {
      if (phase == 0) {
        gate.select();
      } else {
        cells.conditionalGru(
            units, gate.z, unitSums.overState(), unitSums.overInput(), unitBias, h);
      }
    }
  }
}

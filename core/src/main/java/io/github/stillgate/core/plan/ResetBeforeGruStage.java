package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Gru;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A GRU with the reset before the matrix: its candidates are multiplied when r is known. */
final class ResetBeforeGruStage extends Stage {
  private final int units;
  private final Cells cells;
  private final Elementwise update;
  private final Elementwise reset;
  private final Elementwise candidate;
  private final RowBank gateRows;
  private final RowBank candidateRows;
  private final MemorySegment gateBias;
  private final MemorySegment candidateBias;
  private final ActiveSet allUnits;
  private final double bound;
  private final List<StatePart> parts;

  ResetBeforeGruStage(Gru layer, double inputBound, Packing packing) {
    this.bound = Packing.gruBound(layer);
    Gru.Activations activations = layer.activations();
    double z = Packing.bound(layer.z().w(), inputBound, layer.z().u(), bound, layer.z().b());
    double r = Packing.bound(layer.r().w(), inputBound, layer.r().u(), bound, layer.r().b());
    Packing.bound(activations.update(), z, layer.name());
    double resets = Packing.bound(activations.reset(), r, layer.name());
    double c =
        Packing.bound(layer.c().w(), inputBound, layer.c().u(), bound * resets, layer.c().b());
    Packing.bound(activations.candidate(), c, layer.name());
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.update = new Elementwise(layer.activations().update(), cells);
    this.reset = new Elementwise(layer.activations().reset(), cells);
    this.candidate = new Elementwise(layer.activations().candidate(), cells);
    this.gateRows =
        packing.bank(
            1, List.of(layer.z().u(), layer.r().u()), List.of(layer.z().w(), layer.r().w()));
    this.candidateRows = packing.bank(1, List.of(layer.c().u()), List.of(layer.c().w()));
    this.gateBias = packing.vectors(layer.z().b(), layer.r().b());
    this.candidateBias = packing.vectors(layer.c().b());
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
    return gateRows.bytes(token) + candidateRows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new ResetBefore(input, state, scratch);
  }

  private final class ResetBefore extends UngatedRun {
    private final MemorySegment h;
    private final RowBank.Sums gateSums;
    private final RowBank.Sums candidateSums;
    private final MemorySegment raw;
    private final MemorySegment rawReset;
    private final MemorySegment z;
    private final MemorySegment r;
    private final MemorySegment c;

    ResetBefore(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      super(units, allUnits);
      long row = 4L * RowLayout.padded(units);
      this.h = state.allocate(row, RowLayout.ALIGNMENT);
      this.raw = scratch.allocate(2 * row, RowLayout.ALIGNMENT);
      this.rawReset = raw.asSlice(row, row);
      this.z = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.r = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.c = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.gateSums = gateRows.open(input, h, scratch);
      // What stands in r when the second phase begins is r * h.
      this.candidateSums = candidateRows.open(input, r, scratch);
    }

    @Override
    public MemorySegment output() {
      return h;
    }

    @Override
    public int phases() {
      return 2;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return phase == 0 ? gateSums : candidateSums;
    }

    @Override
    public void finish(int phase) {
      if (phase == 0) {
        int both = 2 * RowLayout.padded(units);
        cells.addBoth(both, gateSums.overState(), gateSums.overInput(), gateBias, raw);
        update.apply(units, raw, z);
        reset.apply(units, rawReset, r);
        cells.multiply(units, r, h, r);
      } else {
        cells.addBoth(
            units, candidateSums.overState(), candidateSums.overInput(), candidateBias, raw);
        candidate.apply(units, raw, c);
        cells.blend(units, z, c, h);
      }
    }
  }
}

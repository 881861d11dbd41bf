package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An ordinary GRU with the reset after the matrix: every row is read in every step. */
final class GruStage extends Stage {
  private final int units;
  private final Cells cells;
  private final boolean standard;
  private final Elementwise update;
  private final Elementwise reset;
  private final Elementwise candidate;
  private final RowBank unitRows;
  private final MemorySegment bias;
  private final @Nullable MemorySegment resetBias;
  private final ActiveSet allUnits;
  private final double bound;
  private final List<StatePart> parts;

  GruStage(Gru layer, Optional<Matrix> bh, double inputBound, Packing packing) {
    this.bound = checkBounds(layer, bh, inputBound);
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.standard = layer.activations().equals(Gru.Activations.STANDARD);
    this.update = new Elementwise(layer.activations().update(), cells);
    this.reset = new Elementwise(layer.activations().reset(), cells);
    this.candidate = new Elementwise(layer.activations().candidate(), cells);
    this.unitRows =
        packing.bank(
            1,
            List.of(layer.z().u(), layer.r().u(), layer.c().u()),
            List.of(layer.z().w(), layer.r().w(), layer.c().w()));
    this.bias = packing.vectors(layer.z().b(), layer.r().b(), layer.c().b());
    this.resetBias = bh.map(packing::vectors).orElse(null);
    this.allUnits = ActiveSet.all(units, packing.memory());
    this.parts = hidden(layer, bound);
  }

  /** Refuses what could overflow, and gives the largest magnitude of the state. */
  static double checkBounds(Gru layer, Optional<Matrix> bh, double inputBound) {
    double bound = Packing.gruBound(layer);
    Gru.Activations activations = layer.activations();
    double z = Packing.bound(layer.z().w(), inputBound, layer.z().u(), bound, layer.z().b());
    double r = Packing.bound(layer.r().w(), inputBound, layer.r().u(), bound, layer.r().b());
    Packing.bound(activations.update(), z, layer.name());
    double resets = Packing.bound(activations.reset(), r, layer.name());
    double product =
        bh.map(b -> Packing.bound(layer.c().u(), bound, b))
            .orElseGet(() -> layer.c().u().rowNorm() * bound);
    // Names the culprit if it is a matrix; the bias inside the product comes on top.
    Packing.bound(
        layer.c().w(), inputBound, layer.c().u(), bound * Math.max(1, resets), layer.c().b());
    double sums = layer.c().w().rowNorm() * inputBound + Math.max(1, resets) * product;
    Packing.bound(
        activations.candidate(), Packing.bound(sums, layer.c().b(), inputBound), layer.name());
    return bound;
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
    return unitRows.bytes(token);
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new ResetAfter(input, state, scratch);
  }

  private final class ResetAfter extends UngatedRun {
    private final MemorySegment h;
    private final RowBank.Sums sums;
    private final MemorySegment stateSumsOfC;
    private final MemorySegment biasOfC;
    private final MemorySegment raw;
    private final MemorySegment rawReset;
    private final MemorySegment z;
    private final MemorySegment r;
    private final MemorySegment c;

    ResetAfter(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      super(units, allUnits);
      long row = 4L * RowLayout.padded(units);
      this.h = state.allocate(row, RowLayout.ALIGNMENT);
      this.sums = unitRows.open(input, h, scratch);
      this.stateSumsOfC = sums.overState().asSlice(2 * row, row);
      this.biasOfC = bias.asSlice(2 * row, row);
      this.raw = scratch.allocate(2 * row, RowLayout.ALIGNMENT);
      this.rawReset = raw.asSlice(row, row);
      this.z = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.r = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.c = scratch.allocate(row, RowLayout.ALIGNMENT);
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
      if (resetBias != null) {
        cells.add(units, stateSumsOfC, resetBias, stateSumsOfC);
      }
      if (standard) {
        cells.gru(units, sums.overState(), sums.overInput(), bias, h);
      } else {
        finishStepByStep();
      }
    }

    private void finishStepByStep() {
      int stride = RowLayout.padded(units);
      cells.addBoth(2 * stride, sums.overState(), sums.overInput(), bias, raw);
      update.apply(units, raw, z);
      reset.apply(units, rawReset, r);
      MemorySegment.copy(sums.overInput(), JAVA_FLOAT, 8L * stride, raw, JAVA_FLOAT, 0, stride);
      cells.addProduct(units, r, stateSumsOfC, raw);
      cells.add(units, raw, biasOfC, raw);
      candidate.apply(units, raw, c);
      cells.blend(units, z, c, h);
    }
  }
}

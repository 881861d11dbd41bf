package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An LSTM: every row is read in every step. Row kinds i, f unless it is coupled to i, o, g; a
 * projection is a phase of its own.
 */
final class LstmStage extends Stage {
  /** Adding values up to 1 to a float32 sum gets no further than 2^24. */
  private static final double CELLS_OF_ONE = 0x1p25;

  private final int cellCount;
  private final int outputs;
  private final Cells cells;
  private final boolean coupled;
  private final Elementwise gates;
  private final Elementwise candidate;
  private final Elementwise hidden;
  private final RowBank unitRows;
  private final MemorySegment bias;
  private final @Nullable RowBank projection;
  private final @Nullable Peepholes peepholes;
  private final ActiveSet allCells;
  private final ActiveSet allOutputs;
  private final double outputBound;
  private final List<StatePart> parts;

  LstmStage(Lstm layer, double inputBound, Packing packing) {
    Lstm.Activations activations = layer.activations();
    Packing.requireShares(activations.gates(), layer.name(), "a gate");
    double cellBound = CELLS_OF_ONE * Packing.bounded(activations.cell(), layer.name());
    double hiddenBound = Packing.bound(activations.hidden(), cellBound, layer.name()) * ROUNDING;
    this.outputBound =
        layer.projection().map(wp -> wp.rowNorm() * hiddenBound * ROUNDING).orElse(hiddenBound);
    Packing.requireFinite(outputBound, layer.name());
    for (Sums sums : layer.sums()) {
      double bound = Packing.bound(sums.w(), inputBound, sums.u(), outputBound, sums.b());
      double seen =
          layer.peepholes().stream()
              .flatMap(p -> Stream.of(p.input(), p.forget(), p.output()))
              .mapToDouble(peephole -> peephole.magnitude() * cellBound)
              .max()
              .orElse(0);
      double all = Packing.bound(bound + seen, sums.b(), inputBound);
      Packing.bound(
          sums == layer.g() ? activations.cell() : activations.gates(), all, layer.name());
    }
    this.cellCount = layer.cells();
    this.outputs = layer.outputs();
    this.cells = packing.backend().cells();
    this.coupled = layer.f().isEmpty();
    this.gates = new Elementwise(activations.gates(), cells);
    this.candidate = new Elementwise(activations.cell(), cells);
    this.hidden = new Elementwise(activations.hidden(), cells);
    this.unitRows =
        packing.bank(
            1,
            layer.sums().stream().map(Sums::u).toList(),
            layer.sums().stream().map(Sums::w).toList());
    this.bias = packing.vectors(layer.sums().stream().map(Sums::b).toArray(Matrix[]::new));
    this.projection =
        layer
            .projection()
            .map(wp -> packing.withoutTokens().bank(1, List.of(), List.of(wp)))
            .orElse(null);
    this.peepholes =
        layer
            .peepholes()
            .map(p ->
                new Peepholes(
                    packing.vectors(p.input()),
                    packing.vectors(p.forget()),
                    packing.vectors(p.output())))
            .orElse(null);
    this.allCells = ActiveSet.all(cellCount, packing.memory());
    this.allOutputs = ActiveSet.all(outputs, packing.memory());
    StatePart h = hidden(layer, outputBound).get(0);
    StatePart c =
        StatePart.of(layer.name(), StatePart.Kind.CELLS, h.floats(), cellCount, cellBound);
    this.parts = List.of(h, c);
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
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    return unitRows.bytes(token) + (projection == null ? 0 : projection.bytes(false));
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return new Remembering(input, state, scratch);
  }

  private record Peepholes(MemorySegment input, MemorySegment forget, MemorySegment output) {}

  private final class Remembering extends UngatedRun {
    private final long row = 4L * RowLayout.padded(cellCount);
    private final MemorySegment h;
    private final MemorySegment c;
    private final RowBank.Sums sums;
    private final RowBank.@Nullable Sums projected;
    private final MemorySegment raw;
    private final MemorySegment values;
    private final MemorySegment rawInput;
    private final MemorySegment rawForget;
    private final MemorySegment rawOutput;
    private final MemorySegment rawCell;
    private final MemorySegment i;
    private final MemorySegment f;
    private final MemorySegment o;
    private final MemorySegment g;

    /** What goes out of the cells: the state itself, or what is projected. */
    private final MemorySegment out;

    Remembering(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      super(cellCount, allCells);
      this.h = state.allocate(4L * RowLayout.padded(outputs), RowLayout.ALIGNMENT);
      this.c = state.allocate(row, RowLayout.ALIGNMENT);
      this.sums = unitRows.open(input, h, scratch);
      this.raw = scratch.allocate(4 * row, RowLayout.ALIGNMENT);
      this.values = scratch.allocate(4 * row, RowLayout.ALIGNMENT);
      int own = coupled ? 0 : 1;
      this.rawInput = raw.asSlice(0, row);
      this.rawForget = raw.asSlice(own * row, row);
      this.rawOutput = raw.asSlice((own + 1) * row, row);
      this.rawCell = raw.asSlice((own + 2) * row, row);
      this.i = values.asSlice(0, row);
      this.f = values.asSlice(row, row);
      this.o = values.asSlice(2 * row, row);
      this.g = values.asSlice(3 * row, row);
      if (projection == null) {
        this.out = h;
        this.projected = null;
      } else {
        this.out = scratch.allocate(row, RowLayout.ALIGNMENT);
        this.projected = projection.open(out, null, scratch);
      }
    }

    @Override
    public MemorySegment output() {
      return h;
    }

    @Override
    public int phases() {
      return projected == null ? 1 : 2;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return phase == 0 || projected == null ? sums : projected;
    }

    @Override
    public ActiveSet groups(int phase) {
      return phase == 0 ? allCells : allOutputs;
    }

    @Override
    public void finish(int phase) {
      if (phase == 0) {
        finishCells();
      } else if (projected != null) {
        cells.apply(Pointwise.AFFINE, 1, 0, outputs, projected.overInput(), h);
      }
    }

    private void finishCells() {
      int n = cellCount;
      int stride = RowLayout.padded(n);
      int kinds = coupled ? 3 : 4;
      cells.addBoth(kinds * stride, sums.overState(), sums.overInput(), bias, raw);
      if (peepholes == null && !coupled) {
        gates.apply(3 * stride, raw, values);
      } else {
        inputAndForget(n);
      }
      candidate.apply(n, rawCell, g);
      cells.carry(n, f, i, g, c);
      if (peepholes != null) {
        cells.addProduct(n, peepholes.output(), c, rawOutput);
      }
      if (peepholes != null || coupled) {
        gates.apply(n, rawOutput, o);
      }
      // g has done its work; several steps of an activation overwrite what they read.
      MemorySegment.copy(c, 0, g, 0, row);
      hidden.apply(n, g, rawCell);
      cells.multiply(n, o, rawCell, out);
    }

    private void inputAndForget(int n) {
      if (peepholes != null) {
        cells.addProduct(n, peepholes.input(), c, rawInput);
      }
      gates.apply(n, rawInput, i);
      if (coupled) {
        cells.apply(Pointwise.AFFINE, -1, 1, n, i, f);
      } else {
        if (peepholes != null) {
          cells.addProduct(n, peepholes.forget(), c, rawForget);
        }
        gates.apply(n, rawForget, f);
      }
    }
  }
}

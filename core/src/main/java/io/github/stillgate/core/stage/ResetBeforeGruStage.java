package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.OperandRole;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A GRU with the reset before the matrix: its candidates are multiplied when r is known. */
public final class ResetBeforeGruStage extends Stage {
  private final Cells cells;
  private final VectorOps ops;
  private final Elementwise update;
  private final Elementwise reset;
  private final Elementwise candidate;
  private final Pack gateRows;
  private final Pack candidateRows;
  private final MemorySegment gateBias;
  private final MemorySegment candidateBias;
  private final ActiveSet allGates;
  private final ActiveSet allCandidates;

  /** Packs {@code layer}, whose reset is before the matrix. */
  public ResetBeforeGruStage(Gru layer, double inputBound, Packing packing) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    double bound = GruStage.stateBound(layer, bounds);
    Gru.Activations activations = layer.activations();
    double z = bounds.sums(layer.z(), bound);
    double r = bounds.sums(layer.r(), bound);
    bounds.of(activations.update(), z);
    double resets = bounds.of(activations.reset(), r);
    double c = bounds.sums(layer.c(), bound * resets);
    bounds.of(activations.candidate(), c);
    Pack gateRows =
        packing.dense(
            List.of(OperandBound.input(inputBound), OperandBound.state(bound)),
            List.of(layer.z().w(), layer.r().w()),
            List.of(layer.z().u(), layer.r().u()));
    Pack candidateRows =
        packing.dense(
            List.of(
                OperandBound.input(inputBound),
                new OperandBound(OperandRole.RESET_STATE, bound * resets)),
            List.of(layer.c().w()),
            List.of(layer.c().u()));
    super(layer, bound, List.of(hidden(layer, bound)), List.of(gateRows, candidateRows));
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.update = new Elementwise(activations.update(), ops);
    this.reset = new Elementwise(activations.reset(), ops);
    this.candidate = new Elementwise(activations.candidate(), ops);
    this.gateRows = gateRows;
    this.candidateRows = candidateRows;
    this.gateBias = packing.vectors(layer.z().b(), layer.r().b());
    this.candidateBias = packing.vectors(layer.c().b());
    this.allGates = ActiveSet.all(gateRows.layout().groups(), packing.memory());
    this.allCandidates = ActiveSet.all(candidateRows.layout().groups(), packing.memory());
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    Step step = new Step(input, h, scratch);
    return Run.ungated(
        h,
        outputs(),
        Phase.fixed(step.gates, allGates, step::reset),
        Phase.fixed(step.candidates, allCandidates, step::move));
  }

  /** One stream's step. */
  private final class Step {
    private final int n = outputs();
    private final int stride = Lanes.padded(n);
    private final MemorySegment h;
    private final MemorySegment raw;
    private final MemorySegment rawReset;
    private final MemorySegment c;
    private final MemorySegment scratch;

    /** {@code r * h}, what the candidates read of the state. */
    private final Operand kept;

    private final Product gates;
    private final Product candidates;

    Step(Operand input, Operand h, SegmentAllocator memory) {
      this.h = h.floats();
      this.raw = Lanes.floats(2, n, memory);
      this.rawReset = raw.asSlice(4L * stride, 4L * stride);
      this.c = Lanes.floats(n, memory);
      this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      this.kept = new Operand(n, memory);
      this.gates = new Product(gateRows, memory, 1, input, h);
      this.candidates = new Product(candidateRows, memory, 1, input, kept);
    }

    private void reset() {
      cells.preactivate(2 * stride, gates.sums(0), gates.sums(1), gateBias, raw);
      update.apply(n, raw, raw);
      reset.apply(n, rawReset, rawReset);
      ops.multiply(n, rawReset, h, kept.floats());
    }

    private void move() {
      cells.preactivate(n, candidates.sums(0), candidates.sums(1), candidateBias, c);
      candidate.apply(n, c, c);
      cells.blend(n, raw, c, scratch, h);
    }
  }
}

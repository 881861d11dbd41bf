package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An ordinary GRU with the reset after the matrix: every row is read in every step. */
public final class GruStage extends Stage {
  private final Cells cells;
  private final VectorOps ops;
  private final boolean standard;
  private final Elementwise update;
  private final Elementwise reset;
  private final Elementwise candidate;
  private final Pack rows;
  private final MemorySegment bias;
  private final @Nullable MemorySegment resetBias;
  private final ActiveSet all;

  /** Packs {@code layer}, whose reset is after the matrix with the bias {@code bh} inside. */
  public GruStage(Gru layer, Optional<Matrix> bh, double inputBound, Packing packing) {
    double bound = checkBounds(layer, bh, packing.bounds(layer.name(), inputBound));
    Pack rows =
        packing.dense(
            List.of(OperandBound.input(inputBound), OperandBound.state(bound)),
            List.of(layer.z().w(), layer.r().w(), layer.c().w()),
            List.of(layer.z().u(), layer.r().u(), layer.c().u()));
    super(layer, bound, List.of(hidden(layer, bound)), List.of(rows));
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.standard = layer.activations().equals(Gru.Activations.STANDARD);
    this.update = new Elementwise(layer.activations().update(), ops);
    this.reset = new Elementwise(layer.activations().reset(), ops);
    this.candidate = new Elementwise(layer.activations().candidate(), ops);
    this.rows = rows;
    this.bias = packing.vectors(layer.z().b(), layer.r().b(), layer.c().b());
    this.resetBias = bh.map(packing::vectors).orElse(null);
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
  }

  /**
   * The largest magnitude of a GRU's state: it is mixed from its candidates and what it begins
   * with.
   *
   * @throws IllegalArgumentException if its gates mix in other shares than 0 to 1, or the
   *     candidates have no bound
   */
  static double stateBound(Gru layer, Bounds bounds) {
    bounds.requireShares(layer.activations().update(), "z");
    double candidates = bounds.bounded(layer.activations().candidate());
    return bounds.state(layer.initialState().h(), candidates * Bounds.ROUNDING);
  }

  /** Refuses what could overflow, and returns the largest magnitude of the state. */
  static double checkBounds(Gru layer, Optional<Matrix> bh, Bounds bounds) {
    double bound = stateBound(layer, bounds);
    Gru.Activations activations = layer.activations();
    double z = bounds.sums(layer.z(), bound);
    double r = bounds.sums(layer.r(), bound);
    bounds.of(activations.update(), z);
    double resets = bounds.of(activations.reset(), r);
    double product =
        bh.map(b -> bounds.sums(layer.c().u(), bound, b))
            .orElseGet(() -> Bounds.reach(layer.c().u()) * bound);
    // Names the culprit if it is a matrix; the bias inside the product comes on top.
    bounds.sums(layer.c(), bound * Math.max(1, resets));
    double sums = Bounds.reach(layer.c().w()) * bounds.input() + Math.max(1, resets) * product;
    bounds.of(activations.candidate(), bounds.plus(sums, layer.c().b()));
    return bound;
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    Step step = new Step(new Product(rows, scratch, 1, input, h), h, scratch);
    return Run.ungated(h, outputs(), Phase.fixed(step.product, all, step::finish));
  }

  /** One stream's step. */
  private final class Step {
    private final int n = outputs();
    private final long row = 4L * Lanes.padded(n);
    private final Product product;
    private final MemorySegment h;
    private final MemorySegment scratch;
    private final MemorySegment biasOfC = bias.asSlice(2 * row, row);

    /** The sums over the state with the bias inside the reset product. */
    private final MemorySegment biased;

    private final MemorySegment biasedC;
    private final MemorySegment raw;
    private final MemorySegment rawReset;
    private final MemorySegment c;

    Step(Product product, Operand h, SegmentAllocator memory) {
      this.product = product;
      this.h = h.floats();
      this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      this.biased = Lanes.floats(3, n, memory);
      this.biasedC = biased.asSlice(2 * row, row);
      this.raw = Lanes.floats(2, n, memory);
      this.rawReset = raw.asSlice(row, row);
      this.c = Lanes.floats(n, memory);
    }

    private void finish() {
      MemorySegment overX = product.sums(0);
      MemorySegment overH = product.sums(1);
      if (!standard) {
        MemorySegment.copy(overH, 0, biased, 0, 3 * row);
        if (resetBias != null) {
          ops.add(n, biasedC, resetBias, biasedC);
        }
        finishStepByStep(overX);
      } else if (resetBias != null) {
        cells.biasedGru(n, overX, overH, bias, resetBias, scratch, h);
      } else {
        cells.gru(n, overX, overH, bias, scratch, h);
      }
    }

    private void finishStepByStep(MemorySegment overX) {
      int stride = Lanes.padded(n);
      cells.preactivate(2 * stride, overX, biased, bias, raw);
      update.apply(n, raw, raw);
      reset.apply(n, rawReset, rawReset);
      MemorySegment.copy(overX, JAVA_FLOAT, 8L * stride, c, JAVA_FLOAT, 0, stride);
      ops.multiplyAdd(n, rawReset, biasedC, c, c);
      ops.add(n, c, biasOfC, c);
      candidate.apply(n, c, c);
      cells.blend(n, raw, c, scratch, h);
    }
  }
}

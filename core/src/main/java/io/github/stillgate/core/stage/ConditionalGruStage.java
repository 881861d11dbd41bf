package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/**
 * A conditional GRU. A step reads its gates whole, and of the reset and candidate rows those of
 * live units or blocks, which lie next to each other; above the crossover it reads them all, unless
 * a limit forbids it.
 */
public final class ConditionalGruStage extends Stage {
  private final Cells cells;
  private final VectorOps ops;
  private final boolean standard;
  private final Elementwise reset;
  private final Elementwise candidate;
  private final Gates gates;
  private final Pack rows;
  private final MemorySegment bias;
  private final ActiveSet all;
  private final Crossover crossover;
  private final LiveLimit limit;

  /**
   * Packs {@code layer}.
   *
   * @param maxLive how many units are live in a step at most, if there is a limit
   * @throws IllegalArgumentException if its candidates have no bound, or a sum could overflow, or
   *     not even one block fits into the limit
   */
  public ConditionalGruStage(
      ConditionalGru layer,
      double inputBound,
      Packing packing,
      Crossover crossover,
      OptionalInt maxLive) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    ConditionalGru.Activations activations = layer.activations();
    // A clipped tanh mixes in shares below 1, so the state stays within its candidates' bound
    // or where it began.
    double bound =
        bounds.state(
            layer.initialState().h(), bounds.bounded(activations.candidate()) * Bounds.ROUNDING);
    double resets = bounds.of(activations.reset(), bounds.sums(layer.r(), bound));
    double sums = bounds.sums(layer.c(), bound * Math.max(1, resets));
    bounds.of(activations.candidate(), sums);
    Gates gates = Gates.of(layer.gating(), bound, bounds, packing);
    List<Matrix> overX = List.of(layer.r().w(), layer.c().w());
    List<Matrix> overH = List.of(layer.r().u(), layer.c().u());
    List<OperandBound> bounded = List.of(OperandBound.input(inputBound), OperandBound.state(bound));
    Pack rows =
        gates.areOfBlocks()
            ? packing.gatedBlocks(gates.groupUnits(), bounded, overX, overH)
            : packing.gatedRows(bounded, overX, overH);
    List<Pack> packs = new ArrayList<>(gates.packs());
    packs.add(rows);
    super(layer, bound, List.of(hidden(layer, bound)), packs);
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.standard = activations.equals(ConditionalGru.Activations.STANDARD);
    this.reset = new Elementwise(activations.reset(), ops);
    this.candidate = new Elementwise(activations.candidate(), ops);
    this.gates = gates;
    this.rows = rows;
    this.bias = packing.vectors(layer.r().b(), layer.c().b());
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
    this.crossover = crossover;
    this.limit = new LiveLimit(layer.name(), all.count(), gates.groupUnits(), maxLive);
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    if (!limit.binds()) {
      crossover.measure(rows, cancelled);
    }
  }

  @Override
  double crossover() {
    return crossover.fraction(limit);
  }

  @Override
  LiveLimit liveLimit() {
    return limit;
  }

  @Override
  int mostGroups(Pack pack) {
    boolean ofLive = gates.multipliesLiveOnly(pack) || (pack == rows && crossover.skips());
    return ofLive ? limit.most() : super.mostGroups(pack);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    LiveCut cut = new LiveCut(limit);
    Gates.Run gate = gates.open(input, h, cut, scratch);
    Product product = new Product(rows, scratch, 1, input, h);
    Runnable finish =
        standard
            ? finish(gate, product, h, Lanes.floats(Cells.SCRATCH_ROWS, outputs(), scratch))
            : new StepByStep(gate, product, h, scratch);
    List<Phase> phases = new ArrayList<>(gate.phases());
    phases.add(
        Phase.live(
            product,
            () -> crossover.runsDense(gate.live().count(), limit) ? all : gate.live(),
            finish));
    return Run.gated(
        h,
        outputs(),
        () -> gate.live().count() * gates.groupUnits(),
        cut,
        phases.toArray(Phase[]::new));
  }

  private Runnable finish(Gates.Run gate, Product product, Operand h, MemorySegment work) {
    return () ->
        cells.conditionalGru(
            outputs(), gate.z(), product.sums(0), product.sums(1), bias, work, h.floats());
  }

  /**
   * The end of {@link Cells#conditionalGru} for one stream, in its order of operations, with other
   * functions than the sigmoid and the tanh that are fused there.
   */
  private final class StepByStep implements Runnable {
    private final int n = outputs();
    private final int stride = Lanes.padded(n);
    private final MemorySegment biasOfC = bias.asSlice(4L * stride, 4L * stride);
    private final MemorySegment z;
    private final Product product;
    private final MemorySegment h;
    private final MemorySegment r;
    private final MemorySegment c;
    private final MemorySegment overH;

    StepByStep(Gates.Run gate, Product product, Operand h, SegmentAllocator scratch) {
      this.z = gate.z();
      this.product = product;
      this.h = h.floats();
      this.r = Lanes.floats(n, scratch);
      this.c = Lanes.floats(n, scratch);
      this.overH = Lanes.floats(n, scratch);
    }

    /** Sums are copied by row, since a view of one would be an object in every step. */
    @Override
    public void run() {
      cells.preactivate(n, product.sums(0), product.sums(1), bias, r);
      reset.apply(n, r, r);
      MemorySegment.copy(product.sums(0), JAVA_FLOAT, 4L * stride, c, JAVA_FLOAT, 0, stride);
      MemorySegment.copy(product.sums(1), JAVA_FLOAT, 4L * stride, overH, JAVA_FLOAT, 0, stride);
      ops.multiplyAdd(n, r, overH, c, c);
      ops.add(n, c, biasOfC, c);
      candidate.apply(n, c, c);
      ops.subtract(n, c, h, c);
      ops.multiplyAdd(n, z, c, h, c);
      ops.flush(n, c, c);
      ops.choose(n, z, c, h, h);
    }
  }
}

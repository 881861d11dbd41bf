package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.ConditionalDense;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/**
 * A dense layer with relu behind an estimate. A step reads the estimate whole, and of the rows of W
 * those of units whose score is above 0; above the crossover it reads them all, unless a limit
 * forbids it. It keeps no state.
 *
 * <p>The rows of W are summed one by one, as those of a {@link DenseStage} are, so that a layer
 * whose units are all live has the bits of the dense one.
 */
public final class ConditionalDenseStage extends Stage {
  private final VectorOps ops;
  private final int rank;
  private final Pack narrow;
  private final ActiveSet allRanks;
  private final Pack wide;
  private final MemorySegment shift;
  private final ActiveSet allTiles;
  private final Pack rows;
  private final MemorySegment bias;
  private final ActiveSet all;
  private final MemorySegment zeros;
  private final Crossover crossover;
  private final LiveLimit limit;

  /**
   * Packs {@code layer}.
   *
   * @param maxLive how many units are live in a step at most, if there is a limit
   */
  public ConditionalDenseStage(
      ConditionalDense layer,
      double inputBound,
      Packing packing,
      Crossover crossover,
      OptionalInt maxLive) {
    Bounds bounds = new Bounds(layer.name(), inputBound);
    ConditionalDense.Estimate estimate = layer.estimate();
    bounds.sums(estimate.u(), bounds.product(estimate.v()), estimate.e());
    double outputBound = bounds.sums(layer.w(), layer.b());
    Pack narrow = packing.rows(List.of(estimate.v()));
    // Its rows are short: in panels they need no sum across lanes.
    Pack wide = packing.withoutTokens().panels(List.of(estimate.u()));
    Pack rows = packing.gatedRows(List.of(OperandBound.input(inputBound)), List.of(layer.w()));
    super(layer, outputBound, List.of(), List.of(narrow, wide, rows));
    this.ops = packing.backend().vectors();
    this.rank = estimate.rank();
    this.narrow = narrow;
    this.allRanks = ActiveSet.all(narrow.layout().groups(), packing.memory());
    this.wide = wide;
    this.shift = packing.vectors(estimate.e());
    this.allTiles = ActiveSet.all(wide.layout().groups(), packing.memory());
    this.rows = rows;
    this.bias = packing.vectors(layer.b());
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
    this.zeros = Lanes.floats(layer.outputs(), packing.memory());
    this.crossover = crossover;
    this.limit = new LiveLimit(layer.name(), all.count(), 1, maxLive);
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
    return pack == rows && crossover.skips() ? limit.most() : super.mostGroups(pack);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    int n = outputs();
    Product narrowed = new Product(narrow, scratch, 1, input);
    Operand bottleneck = new Operand(rank, scratch);
    Product widened = new Product(wide, scratch, 1, bottleneck);
    MemorySegment scores = Lanes.floats(n, scratch);
    ActiveSet live = new ActiveSet(n, scratch);
    LiveCut cut = new LiveCut(limit);
    Product product = new Product(rows, scratch, 1, input);
    Operand output = new Operand(n, scratch);
    return Run.gated(
        output,
        n,
        live::count,
        cut,
        Phase.fixed(
            narrowed,
            allRanks,
            () -> MemorySegment.copy(narrowed.sums(0), 0, bottleneck.floats(), 0, 4L * rank)),
        Phase.fixed(
            widened,
            allTiles,
            () -> {
              ops.add(n, widened.sums(0), shift, scores);
              cut.select(n, scores, live, ops);
            }),
        Phase.live(
            product,
            () -> crossover.runsDense(live.count(), limit) ? all : live,
            () -> finish(scores, product.sums(0), output.floats())));
  }

  /** Sums of units that are not live may be stale: they are chosen against, not multiplied by 0. */
  private void finish(MemorySegment scores, MemorySegment sums, MemorySegment out) {
    int n = outputs();
    ops.add(n, sums, bias, out);
    ops.apply(Pointwise.THRESHOLD, 0, 0, n, out, out);
    ops.choose(n, scores, out, zeros, out);
  }
}

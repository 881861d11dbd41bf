package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An ordinary GRU whose units stand still until their carried gate mass exceeds epsilon: all gates
 * are read, or those that a {@link PackedEstimate} asks for if the layer has one, and of the other
 * rows those of live units. Every still unit of one step is a live one of a later step, unless its
 * gate shuts for good. Approximate.
 */
public final class CarriedGruStage extends Stage {
  /** Its sigmoid is below what is flushed to zero. */
  static final float SHUT = -100;

  private final float epsilon;
  private final Cells cells;
  private final VectorOps ops;
  private final Pack gateRows;
  private final Pack unitRows;
  private final MemorySegment gateBias;
  private final MemorySegment unitBias;
  private final @Nullable MemorySegment resetBias;
  private final @Nullable PackedEstimate estimate;
  private final ActiveSet all;
  private final Crossover gateCrossover;
  private final Crossover crossover;
  private final LiveLimit limit;

  /**
   * Packs {@code layer}, whose reset is after the matrix with the bias {@code bh} inside.
   *
   * @param gateCrossover from which fraction on all gates are read, if they are estimated
   * @param crossover from which fraction on all units are
   * @param maxLive how many units are live in a step at most, if there is a limit
   */
  public CarriedGruStage(
      Gru layer,
      Optional<Matrix> bh,
      float epsilon,
      double inputBound,
      Packing packing,
      Crossover gateCrossover,
      Crossover crossover,
      OptionalInt maxLive) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    double bound = GruStage.checkBounds(layer, bh, bounds);
    Pack gateRows = packing.rows(List.of(layer.z().w()), List.of(layer.z().u()));
    Pack unitRows =
        packing.gatedRows(
            List.of(OperandBound.input(inputBound), OperandBound.state(bound)),
            List.of(layer.r().w(), layer.c().w()),
            List.of(layer.r().u(), layer.c().u()));
    PackedEstimate estimate =
        layer.estimate().map(e -> new PackedEstimate(layer, e, bounds, packing)).orElse(null);
    List<Pack> packs = new ArrayList<>(List.of(gateRows, unitRows));
    if (estimate != null) {
      packs.addAll(estimate.packs());
    }
    StatePart h = hidden(layer, bound);
    int units = layer.outputs();
    // Mass is at most epsilon, or 1 where it waits, after a step, and a gate adds at most 1.
    StatePart mass = StatePart.of(layer.name(), StatePart.Kind.CARRIED, h.floats(), units, 2);
    super(layer, bound, List.of(h, mass), packs);
    this.epsilon = epsilon;
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.gateRows = gateRows;
    this.unitRows = unitRows;
    this.gateBias = packing.vectors(layer.z().b());
    // Gates of the padding are shut, so that none gathers mass.
    for (int i = units; i < Lanes.padded(units); i++) {
      gateBias.setAtIndex(JAVA_FLOAT, i, SHUT);
    }
    this.unitBias = packing.vectors(layer.r().b(), layer.c().b());
    this.resetBias = bh.map(packing::vectors).orElse(null);
    this.estimate = estimate;
    this.all = ActiveSet.all(units, packing.memory());
    this.gateCrossover = gateCrossover;
    this.crossover = crossover;
    this.limit = new LiveLimit(layer.name(), units, 1, maxLive);
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    if (estimate != null) {
      gateCrossover.measure(gateRows, cancelled);
    }
    if (!limit.binds()) {
      crossover.measure(unitRows, cancelled);
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
    return pack == unitRows && crossover.skips() ? limit.most() : super.mostGroups(pack);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    Step step = new Step(input, h, Lanes.floats(outputs(), state), scratch);
    List<Phase> phases = new ArrayList<>();
    if (estimate == null) {
      phases.add(Phase.fixed(step.gates, all, step::carry));
    } else {
      phases.addAll(estimate.open(input, h, step.estimated, scratch, step::ask));
      phases.add(Phase.live(step.gates, step::askedGroups, step::carryWithEstimates));
    }
    phases.add(Phase.live(step.units, step::liveGroups, step::move));
    return Run.gated(h, outputs(), step.live::count, step.cut, phases.toArray(Phase[]::new));
  }

  /** One stream's step. */
  private final class Step {
    private final int n = outputs();
    private final long row = 4L * Lanes.padded(n);
    private final Product gates;
    private final Product units;
    private final MemorySegment h;
    private final MemorySegment mass;
    private final MemorySegment fired;
    private final MemorySegment z;
    private final MemorySegment estimated;

    /** Positive where the gate itself is read, not its estimate. */
    private final MemorySegment asked;

    private final MemorySegment biased;
    private final MemorySegment biasedC;
    private final MemorySegment scratch;
    private final ActiveSet live;
    private final ActiveSet askedSet;
    private final LiveCut cut = new LiveCut(limit);

    Step(Operand input, Operand h, MemorySegment mass, SegmentAllocator memory) {
      this.h = h.floats();
      this.mass = mass;
      this.gates = new Product(gateRows, memory, 1, input, h);
      this.units = new Product(unitRows, memory, 1, input, h);
      this.fired = Lanes.floats(n, memory);
      this.z = Lanes.floats(n, memory);
      this.estimated = Lanes.floats(n, memory);
      this.asked = Lanes.floats(n, memory);
      this.biased = Lanes.floats(2, n, memory);
      this.biasedC = biased.asSlice(row, row);
      this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      this.live = new ActiveSet(n, memory);
      this.askedSet = new ActiveSet(n, memory);
    }

    private ActiveSet askedGroups() {
      return gateCrossover.runsDense(askedSet.count(), n) ? all : askedSet;
    }

    private ActiveSet liveGroups() {
      return crossover.runsDense(live.count(), limit) ? all : live;
    }

    /** Which gates are read: those of units that would fire if the estimate were right. */
    private void ask() {
      ops.add(n, mass, estimated, asked);
      ops.apply(Pointwise.THRESHOLD, epsilon, 0, n, asked, asked);
      ops.selectPositive(n, asked, askedSet);
    }

    private void carry() {
      readGates();
      gather();
    }

    /** Gates that were not asked for are of an older step: the estimate stands in, bit for bit. */
    private void carryWithEstimates() {
      readGates();
      ops.choose(n, asked, z, estimated, z);
      gather();
    }

    /** The gates from their sums. */
    private void readGates() {
      cells.preactivate(n, gates.sums(0), gates.sums(1), gateBias, z);
      ops.apply(Pointwise.SIGMOID, 0, 0, n, z, z);
    }

    /**
     * Adds the gates to the masses, finds out which units fire, and takes their mass. What a unit
     * that has to wait carries beyond 1 would not move it further: it is dropped.
     */
    private void gather() {
      ops.add(n, mass, z, mass);
      ops.flush(n, mass, mass);
      ops.apply(Pointwise.THRESHOLD, epsilon, 0, n, mass, fired);
      ops.selectPositive(n, fired, live);
      cut.cut(fired, live);
      ops.subtract(n, mass, fired, mass);
      if (cut.unitsHeldBack() > 0) {
        ops.apply(Pointwise.CLAMP, 0, 1, n, mass, mass);
      }
      ops.apply(Pointwise.CLAMP, 0, 1, n, fired, z);
    }

    private void move() {
      MemorySegment overH = units.sums(1);
      if (resetBias != null) {
        MemorySegment.copy(overH, 0, biased, 0, 2 * row);
        ops.add(n, biasedC, resetBias, biasedC);
        overH = biased;
      }
      cells.conditionalGru(n, z, units.sums(0), overH, unitBias, scratch, h);
    }
  }
}

package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A conditional GRU. A step reads its gates whole, and of the reset and candidate rows those of
 * live units or blocks, which lie next to each other; above the crossover it reads them all.
 */
public final class ConditionalGruStage extends Stage {
  private final Cells cells;
  private final Gates gates;
  private final Pack rows;
  private final MemorySegment bias;
  private final ActiveSet all;
  private final Crossover crossover;

  /** Packs {@code layer}. */
  public ConditionalGruStage(
      ConditionalGru layer, double inputBound, Packing packing, Crossover crossover) {
    Bounds bounds = new Bounds(layer.name(), inputBound);
    bounds.sums(layer.r(), Bounds.STATE);
    bounds.sums(layer.c(), Bounds.STATE);
    Gates gates = Gates.of(layer.gating(), bounds, packing);
    List<Matrix> overX = List.of(layer.r().w(), layer.c().w());
    List<Matrix> overH = List.of(layer.r().u(), layer.c().u());
    Pack rows =
        gates.areOfBlocks()
            ? packing.blocks(gates.groupUnits(), overX, overH)
            : packing.rows(overX, overH);
    List<Pack> packs = new ArrayList<>(gates.packs());
    packs.add(rows);
    super(layer.outputs(), Bounds.STATE, List.of(hidden(layer, Bounds.STATE)), packs);
    this.cells = packing.backend().cells();
    this.gates = gates;
    this.rows = rows;
    this.bias = packing.vectors(layer.r().b(), layer.c().b());
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
    this.crossover = crossover;
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    crossover.measure(rows, cancelled);
  }

  @Override
  double crossover() {
    return crossover.fraction();
  }

  @Override
  Run open(Operand input, SegmentAllocator state, SegmentAllocator scratch) {
    Operand h = new Operand(outputs(), state);
    Gates.Run gate = gates.open(input, h, scratch);
    Product product = new Product(rows, scratch, 1, input, h);
    MemorySegment work = Lanes.floats(Cells.SCRATCH_ROWS, outputs(), scratch);
    List<Phase> phases = new ArrayList<>(gate.phases());
    phases.add(
        Phase.live(
            product,
            () -> crossover.runsDense(gate.live().count(), all.count()) ? all : gate.live(),
            () ->
                cells.conditionalGru(
                    outputs(),
                    gate.z(),
                    product.sums(0),
                    product.sums(1),
                    bias,
                    work,
                    h.floats())));
    return Run.gated(
        h, outputs(), () -> gate.live().count() * gates.groupUnits(), phases.toArray(Phase[]::new));
  }
}

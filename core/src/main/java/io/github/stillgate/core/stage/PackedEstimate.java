package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/**
 * A {@link GateEstimate}, packed: what the gates of a layer are thought to be before any is read.
 */
final class PackedEstimate {
  private final int units;
  private final int rank;
  private final Backend backend;
  private final Pack down;
  private final Pack up;
  private final MemorySegment none;
  private final MemorySegment bias;
  private final ActiveSet allRanks;
  private final ActiveSet allTiles;

  PackedEstimate(Gru layer, GateEstimate estimate, Bounds bounds, Packing packing) {
    this.units = layer.outputs();
    this.rank = estimate.rank();
    this.backend = packing.backend();
    Matrix nothing = Matrix.vector(layer.name() + ".estimate", new float[rank]);
    float[] raised = layer.z().b().toArray();
    for (int i = 0; i < units; i++) {
      raised[i] += estimate.correction();
    }
    Matrix biases = Matrix.vector(layer.z().b().name(), raised);
    double sums =
        bounds.sums(
            estimate.wDown(), estimate.uDown(), GruStage.stateBound(layer, bounds), nothing);
    bounds.sums(estimate.up(), sums, biases);
    this.down = packing.rows(List.of(estimate.wDown()), List.of(estimate.uDown()));
    // Its rows are short: in panels they need no sum across lanes.
    this.up = packing.withoutTokens().panels(List.of(estimate.up()));
    this.none = packing.vectors(nothing);
    this.bias = packing.vectors(biases);
    for (int i = units; i < Lanes.padded(units); i++) {
      bias.setAtIndex(JAVA_FLOAT, i, CarriedGruStage.SHUT);
    }
    this.allRanks = ActiveSet.all(down.layout().groups(), packing.memory());
    this.allTiles = ActiveSet.all(up.layout().groups(), packing.memory());
  }

  /** Everything that the estimate multiplies. */
  List<Pack> packs() {
    return List.of(down, up);
  }

  /** The phases that leave {@code sigmoid(a^)} of every unit in {@code z}, and then {@code end}. */
  List<Phase> open(
      Operand input, Operand h, MemorySegment z, SegmentAllocator scratch, Runnable end) {
    Product sums = new Product(down, scratch, 1, input, h);
    Operand narrow = new Operand(rank, scratch);
    Product expanded = new Product(up, scratch, 1, narrow);
    return List.of(
        Phase.fixed(
            sums,
            allRanks,
            () ->
                backend
                    .cells()
                    .preactivate(rank, sums.sums(0), sums.sums(1), none, narrow.floats())),
        Phase.fixed(
            expanded,
            allTiles,
            () -> {
              backend.vectors().add(units, expanded.sums(0), bias, z);
              backend.vectors().apply(Pointwise.SIGMOID, 0, 0, units, z, z);
              end.run();
            }));
  }
}

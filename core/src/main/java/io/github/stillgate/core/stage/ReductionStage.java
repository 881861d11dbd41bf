package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pairwise;
import io.github.stillgate.core.model.Reduction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** Each row to one value. */
public final class ReductionStage extends OperationStage {
  private final Reduction layer;
  private final MemorySegment columns;

  /**
   * A stage.
   *
   * @param bounds of what it reads, a single one
   */
  public ReductionStage(Reduction layer, List<Double> bounds, Packing packing) {
    super(layer, reach(layer, operands(layer, bounds).getFirst()), packing.backend().vectors());
    this.layer = layer;
    this.columns = Lanes.floats(layer.rows(), packing.memory());
    for (int i = 0; i < layer.rows(); i++) {
      columns.setAtIndex(JAVA_FLOAT, i, layer.columns());
    }
  }

  private static double reach(Reduction layer, double bound) {
    double rounding = 1 + layer.columns() * 0x1p-23;
    return switch (layer.kind()) {
      case SUM -> bound * layer.columns() * rounding;
      case MEAN -> bound * rounding;
      case MAXIMUM, MINIMUM -> bound;
    };
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment values = inputs.getFirst().floats();
    return Run.plain(output, Phase.elementwise(() -> reduce(values, output.floats())));
  }

  private void reduce(MemorySegment values, MemorySegment out) {
    int rows = layer.rows();
    switch (layer.kind()) {
      case SUM -> ops().rowSums(rows, layer.columns(), values, out);
      case MEAN -> {
        ops().rowSums(rows, layer.columns(), values, out);
        ops().combine(Pairwise.DIVIDE, rows, out, columns, out);
      }
      case MAXIMUM -> ops().rowExtremes(rows, layer.columns(), 1, values, out);
      case MINIMUM -> ops().rowExtremes(rows, layer.columns(), -1, values, out);
    }
    clip(out);
  }
}

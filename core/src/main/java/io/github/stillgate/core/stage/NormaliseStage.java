package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** Each row to mean 0 and variance 1. */
public final class NormaliseStage extends OperationStage {
  /** From here on what vanishes is far below the root of epsilon. */
  private static final float LEAST_EPSILON = 1e-30f;

  private final Normalise layer;
  private final boolean cuts;

  /**
   * A stage.
   *
   * @param bounds of what it reads, a single one
   */
  public NormaliseStage(Normalise layer, List<Double> bounds, Packing packing) {
    double bound = operands(layer, bounds).getFirst();
    super(layer, reach(layer), packing.backend().vectors());
    this.layer = layer;
    this.cuts = bound > LARGEST_FACTOR;
  }

  /**
   * No value is further from the mean than the root of the sum of all squares, unless squares are
   * so small that they vanish, and epsilon does not stand for them.
   */
  private static double reach(Normalise layer) {
    double rounding = Bounds.ROUNDING * (1 + layer.columns() * 0x1p-24);
    return layer.epsilon() < LEAST_EPSILON
        ? Operation.LIMIT
        : rounding * Math.sqrt(layer.columns());
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment values = inputs.getFirst().floats();
    MemorySegment read = cuts ? new Operand(outputs(), scratch).floats() : values;
    return Run.plain(output, Phase.elementwise(() -> normalise(values, read, output.floats())));
  }

  private void normalise(MemorySegment values, MemorySegment read, MemorySegment out) {
    if (cuts) {
      cut(outputs(), values, read);
    }
    ops().normalise(layer.rows(), layer.columns(), layer.epsilon(), read, out);
  }
}

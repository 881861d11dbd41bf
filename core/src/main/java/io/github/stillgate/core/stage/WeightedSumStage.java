package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.WeightedSum;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A chain of multiply-adds of whole vectors. Weights are spread over the width when packed. */
public final class WeightedSumStage extends OperationStage {
  private final MemorySegment[] weights;
  private final MemorySegment bias;
  private final Elementwise activation;
  private final boolean linear;

  /**
   * Spreads the weights.
   *
   * @param bounds of the terms
   */
  public WeightedSumStage(WeightedSum layer, List<Double> bounds, Packing packing) {
    double sums = sums(layer, operands(layer, bounds));
    List<Activation.Step> steps = new Bounds(layer.name(), sums).clipped(layer.activation(), sums);
    super(layer, Bounds.reach(steps, sums), packing.backend().vectors());
    this.linear = steps.isEmpty();
    this.activation = new Elementwise(steps, ops());
    this.weights = new MemorySegment[layer.terms()];
    for (int term = 0; term < weights.length; term++) {
      float[] row = new float[layer.channels()];
      layer.w().copyRow(term, row, 0);
      weights[term] = spread(row, layer.width(), packing);
    }
    this.bias = spread(layer.b().toArray(), layer.width(), packing);
  }

  /**
   * The largest magnitude of the sums, with room for rounding.
   *
   * @throws IllegalArgumentException if they could overflow float32
   */
  private static double sums(WeightedSum layer, List<Double> bounds) {
    Matrix w = layer.w();
    double largest = 0;
    for (int channel = 0; channel < layer.channels(); channel++) {
      double sum = Math.abs(layer.b().at(channel, 0));
      for (int term = 0; term < layer.terms(); term++) {
        sum += Math.abs((double) w.at(term, channel)) * bounds.get(term);
      }
      largest = Math.max(largest, sum);
    }
    double reach = largest * (1 + (layer.terms() + 1) * 0x1p-23);
    new Bounds(layer.name(), reach).requireFinite(reach);
    return reach;
  }

  private static MemorySegment spread(float[] channels, int width, Packing packing) {
    MemorySegment spread = Lanes.floats(width, packing.memory());
    for (int i = 0; i < width; i++) {
      spread.setAtIndex(JAVA_FLOAT, i, channels[i % channels.length]);
    }
    return spread;
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment[] terms = inputs.stream().map(Operand::floats).toArray(MemorySegment[]::new);
    return Run.plain(output, Phase.elementwise(() -> sum(terms, output.floats())));
  }

  private void sum(MemorySegment[] terms, MemorySegment out) {
    MemorySegment sum = bias;
    for (int term = 0; term < terms.length; term++) {
      ops().multiplyAdd(outputs(), weights[term], terms[term], sum, out);
      sum = out;
    }
    if (!linear) {
      activation.apply(outputs(), out, out);
    }
  }
}

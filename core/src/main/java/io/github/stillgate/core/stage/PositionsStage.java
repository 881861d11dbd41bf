package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Positions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * A dense layer at several positions: one pack a group, which multiplies the slices of all
 * positions as a batch, so that each weight is read once. Weights are float32 in an int8 plan.
 *
 * <p>Weights lie in panels, whose lanes are rows: slices are read and sums written where they are.
 * That holds for few rows too, whose panels are filled up with zeros: 8 rows of 40 values at 65
 * positions in two groups took 10 us row by row and 6 us in panels (AVX-512).
 */
public final class PositionsStage extends Stage {
  private final Positions layer;
  private final VectorOps ops;
  private final Pack[] packs;
  private final ActiveSet all;
  private final MemorySegment bias;
  private final Elementwise activation;
  private final boolean linear;

  /** What is clipped, and how far the outputs reach. */
  private record Reach(List<Activation.Step> steps, double outputs) {
    static Reach of(Positions layer, double inputBound) {
      Bounds bounds = new Bounds(layer.name(), inputBound);
      double sums = bounds.sums(layer.w(), layer.b());
      List<Activation.Step> steps = bounds.clipped(layer.activation(), sums);
      return new Reach(steps, Bounds.reach(steps, sums));
    }
  }

  /** Packs {@code layer}. */
  public PositionsStage(Positions layer, double inputBound, Packing packing) {
    this(layer, Reach.of(layer, inputBound), packs(layer, packing), packing);
  }

  private PositionsStage(Positions layer, Reach reach, List<Pack> packs, Packing packing) {
    super(layer, reach.outputs(), List.of(), packs);
    this.layer = layer;
    this.ops = packing.backend().vectors();
    this.packs = packs.toArray(Pack[]::new);
    this.all = ActiveSet.all(packs.getFirst().layout().groups(), packing.memory());
    this.linear = reach.steps().isEmpty();
    this.activation = new Elementwise(reach.steps(), ops);
    this.bias = Lanes.floats(layer.outputs(), packing.memory());
    for (int i = 0; i < layer.outputs(); i++) {
      bias.setAtIndex(JAVA_FLOAT, i, layer.b().at(i % layer.b().rows(), 0));
    }
  }

  private static List<Pack> packs(Positions layer, Packing packing) {
    List<Pack> packs = new ArrayList<>();
    int rows = layer.groupOutputs();
    int columns = layer.groupInputs();
    for (int group = 0; group < layer.groups(); group++) {
      float[] values = new float[rows * columns];
      layer.w().copy(group * values.length, values.length, values, 0);
      Matrix matrix = Matrix.of(layer.w().name(), rows, columns, values);
      packs.add(packing.panels(List.of(matrix)));
    }
    return packs;
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    BatchProduct[] batches = new BatchProduct[packs.length];
    long bytes = 0;
    for (int group = 0; group < batches.length; group++) {
      batches[group] = batch(group, inputs.getFirst().floats(), output.floats(), scratch);
      bytes += packs[group].weights().bytes(false);
    }
    return Run.plain(output, Phase.whole(new All(batches, output.floats(), bytes)));
  }

  /** All positions of a group, for every step. */
  private BatchProduct batch(
      int group, MemorySegment input, MemorySegment output, SegmentAllocator scratch) {
    BatchProduct product = new BatchProduct(layer.positions(), packs[group], null, scratch);
    for (int position = 0; position < layer.positions(); position++) {
      long slice = (long) position * packs.length + group;
      Binding binding = new Binding(1, scratch);
      binding.put(
          0,
          input.asSlice(4 * slice * layer.groupInputs()),
          output.asSlice(4 * slice * layer.groupOutputs()));
      product.batch().add(all, binding);
    }
    product.settle();
    return product;
  }

  /** All positions of one stream. */
  private final class All implements Phase.Whole {
    private final BatchProduct[] batches;
    private final MemorySegment output;
    private final long bytes;

    All(BatchProduct[] batches, MemorySegment output, long bytes) {
      this.batches = batches;
      this.output = output;
      this.bytes = bytes;
    }

    @Override
    public void run() {
      for (BatchProduct group : batches) {
        group.multiplySettled();
      }
      ops.add(outputs(), output, bias, output);
      if (!linear) {
        activation.apply(outputs(), output, output);
      }
    }

    @Override
    public long bytesRead() {
      return bytes;
    }

    @Override
    public int clampedValues() {
      return 0;
    }
  }
}

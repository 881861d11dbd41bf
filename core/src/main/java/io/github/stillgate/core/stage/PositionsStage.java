package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
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
 * <p>From {@link #PANEL_OUTPUTS} outputs a group on they lie in panels, which a batch shares best;
 * fewer would fill a panel up with zeros and lie row by row.
 */
public final class PositionsStage extends Stage {
  private static final int PANEL_OUTPUTS = 16;

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
      packs.add(
          rows < PANEL_OUTPUTS ? packing.rows(List.of(matrix)) : packing.panels(List.of(matrix)));
    }
    return packs;
  }

  /** One group at work on one stream: a product for each position. */
  private record Group(Product[] products, BatchProduct batch) {}

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand output = new Operand(outputs(), scratch);
    int columns = layer.groupInputs();
    boolean aligned = columns % Lanes.COUNT == 0;
    Operand[] slices = new Operand[layer.positions() * layer.groups()];
    for (int i = 0; i < slices.length; i++) {
      slices[i] =
          aligned
              ? new Operand(
                  columns, input.floats().asSlice(4L * i * columns, 4L * Lanes.padded(columns)))
              : new Operand(columns, scratch);
    }
    Group[] groups = new Group[layer.groups()];
    long bytes = 0;
    for (int group = 0; group < groups.length; group++) {
      BatchProduct batch = new BatchProduct(layer.positions(), packs[group], null, scratch);
      Product[] products = new Product[layer.positions()];
      for (int position = 0; position < products.length; position++) {
        Operand slice = slices[position * groups.length + group];
        products[position] = new Product(packs[group], scratch, 1, slice);
        batch.batch().add(all, products[position].binding());
      }
      groups[group] = new Group(products, batch);
      bytes += packs[group].weights().bytes(false);
    }
    Operand[] filled = aligned ? new Operand[0] : slices;
    return Run.plain(
        output, Phase.whole(new All(input.floats(), filled, groups, output.floats(), bytes)));
  }

  /** All positions of one stream. */
  private final class All implements Phase.Whole {
    private final MemorySegment input;
    private final Operand[] filled;
    private final Group[] groups;
    private final MemorySegment output;
    private final long bytes;

    All(MemorySegment input, Operand[] filled, Group[] groups, MemorySegment output, long bytes) {
      this.input = input;
      this.filled = filled;
      this.groups = groups;
      this.output = output;
      this.bytes = bytes;
    }

    @Override
    public void run() {
      long columns = layer.groupInputs();
      for (int i = 0; i < filled.length; i++) {
        MemorySegment.copy(input, 4 * i * columns, filled[i].floats(), 0, 4 * columns);
      }
      long rows = layer.groupOutputs();
      for (int group = 0; group < groups.length; group++) {
        Product[] products = groups[group].products;
        groups[group].batch.multiply(0);
        for (int position = 0; position < products.length; position++) {
          long at = 4 * rows * ((long) position * groups.length + group);
          MemorySegment.copy(products[position].sums(0), 0, output, at, 4 * rows);
        }
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

package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.Along;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A recurrent layer over the positions of a step, from its initial state in each step. */
public final class AlongStage extends Stage {
  private final Along layer;
  private final List<Slot.Direction> directions;

  /**
   * A stage.
   *
   * @param slot the stages of its layer
   */
  public AlongStage(Along layer, Slot slot) {
    super(layer.outputs(), slot.outputBound(), List.of(), packs(slot));
    this.layer = layer;
    this.directions = slot.directions();
  }

  private static List<Pack> packs(Slot slot) {
    return slot.directions().stream()
        .flatMap(direction -> direction.stage().packs().stream())
        .toList();
  }

  @Override
  long denseBytes(boolean token) {
    return layer.positions() * super.denseBytes(token);
  }

  @Override
  long mostBytes(boolean token) {
    return layer.positions() * super.mostBytes(token);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    Steps[] steps = new Steps[directions.size()];
    int column = 0;
    for (int i = 0; i < steps.length; i++) {
      steps[i] =
          new Steps(
              directions.get(i), column, inputs.getFirst().floats(), output.floats(), scratch);
      column += directions.get(i).stage().outputs();
    }
    return Run.plain(output, Phase.whole(new All(steps)));
  }

  /** All directions, one after the other. */
  private record All(Steps[] steps) implements Phase.Whole {
    @Override
    public void run() {
      for (Steps direction : steps) {
        direction.run();
      }
    }

    @Override
    public long bytesRead() {
      long bytes = 0;
      for (Steps direction : steps) {
        bytes += direction.bytes;
      }
      return bytes;
    }

    @Override
    public int clampedValues() {
      int clamped = 0;
      for (Steps direction : steps) {
        clamped += direction.clamped;
      }
      return clamped;
    }

    @Override
    public int movedValues() {
      int moved = 0;
      for (Steps direction : steps) {
        moved += direction.moved;
      }
      return moved;
    }

    @Override
    public int keptValues() {
      int kept = 0;
      for (Steps direction : steps) {
        kept += direction.kept;
      }
      return kept;
    }

    @Override
    public int valuesHeldBack() {
      int heldBack = 0;
      for (Steps direction : steps) {
        heldBack += direction.heldBack;
      }
      return heldBack;
    }
  }

  /** One direction at work on one stream. */
  private final class Steps {
    private final boolean backward;
    private final int width;
    private final int column;
    private final MemorySegment from;
    private final MemorySegment to;
    private final MemorySegment state;
    private final MemorySegment initial;
    private final Operand input;
    private final Run run;
    private final @Nullable Ahead[] ahead;

    /** Whether values are rounded, so that there is more to count than bytes. */
    private final boolean isInteger;

    private long bytes;
    private int clamped;
    private int moved;
    private int kept;
    private int heldBack;

    Steps(
        Slot.Direction direction,
        int column,
        MemorySegment from,
        MemorySegment to,
        SegmentAllocator scratch) {
      Stage stage = direction.stage();
      this.backward = direction.backward();
      this.width = stage.outputs();
      this.column = column;
      this.from = from;
      this.to = to;
      this.state = Lanes.floats(Math.max(1, stage.stateFloats()), scratch);
      this.initial = Lanes.floats(Math.max(1, stage.stateFloats()), scratch);
      StatePart.begin(stage.stateParts(), initial);
      this.input = new Operand(layer.layer().inputs(), scratch);
      this.run = stage.open(List.of(input), SegmentAllocator.slicingAllocator(state), scratch);
      this.isInteger =
          stage.packs().stream().anyMatch(pack -> pack.layout().format() == WeightFormat.I8);
      this.ahead = new Ahead[run.phases().length];
      for (int i = 0; i < ahead.length; i++) {
        ahead[i] = ahead(run.phases()[i], scratch);
      }
    }

    /** What can be multiplied for all positions at once: the input, where the pack reads slices. */
    private @Nullable Ahead ahead(Phase phase, SegmentAllocator scratch) {
      Product product = phase.product();
      if (product == null
          || !phase.isFixed()
          || product.pack().layout().order() != SumOrder.CHAIN) {
        return null;
      }
      for (int operand = 0; operand < product.pack().layout().operands(); operand++) {
        if (product.operand(operand) == input) {
          return new Ahead(phase, product, operand, from, layer.positions(), scratch);
        }
      }
      return null;
    }

    void run() {
      state.copyFrom(initial);
      bytes = 0;
      clamped = 0;
      moved = 0;
      kept = 0;
      heldBack = 0;
      long read = 4L * input.width();
      long stride = 4L * layer.layer().outputs();
      for (Ahead sums : ahead) {
        if (sums != null) {
          sums.batch.multiplySettled();
        }
      }
      for (int i = 0; i < layer.positions(); i++) {
        int position = backward ? layer.positions() - 1 - i : i;
        MemorySegment.copy(from, read * position, input.floats(), 0, read);
        for (Ahead sums : ahead) {
          if (sums != null) {
            sums.take(position);
          }
        }
        run.step();
        bytes += run.bytesRead();
        if (isInteger) {
          clamped += run.clampedValues();
          moved += run.movedValues();
          kept += run.keptValues();
          heldBack += run.valuesHeldBack();
        }
        MemorySegment.copy(
            run.output().floats(), 0, to, stride * position + 4L * column, 4L * width);
      }
    }
  }

  /** The sums of one phase over its input at all positions. */
  private static final class Ahead {
    private final Product product;
    private final int operand;
    private final BatchProduct batch;
    private final MemorySegment[] sums;

    Ahead(
        Phase phase,
        Product product,
        int operand,
        MemorySegment from,
        int positions,
        SegmentAllocator memory) {
      this.product = product;
      this.operand = operand;
      PackLayout layout = product.pack().layout();
      this.batch = new BatchProduct(positions, product.pack(), null, memory);
      this.sums = new MemorySegment[positions];
      for (int position = 0; position < positions; position++) {
        sums[position] = Lanes.floats(layout.part(operand).sumFloats(), memory);
        Binding binding = new Binding(layout.operands(), memory);
        long slice = 4L * position * product.operand(operand).width();
        binding.put(operand, from.asSlice(slice), sums[position]);
        batch.batch().add(phase.groups(), binding);
      }
      batch.settle();
    }

    /** Puts the sums of a position into their place. */
    void take(int position) {
      product.take(operand, sums[position]);
    }
  }
}

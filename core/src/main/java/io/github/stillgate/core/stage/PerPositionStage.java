package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.PerPosition;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A recurrent layer at several positions of a step, each with a state of its own: a batch of
 * streams that always step together, so that a weight is read once for all.
 */
public final class PerPositionStage extends Stage {
  private final PerPosition layer;
  private final Stage stage;

  /**
   * A stage.
   *
   * @param stage that of its layer
   */
  public PerPositionStage(PerPosition layer, Stage stage) {
    super(layer.outputs(), stage.outputBound(), parts(layer, stage), stage.packs());
    this.layer = layer;
    this.stage = stage;
  }

  private static List<StatePart> parts(PerPosition layer, Stage stage) {
    List<StatePart> parts = new ArrayList<>();
    for (int position = 0; position < layer.positions(); position++) {
      for (StatePart part : stage.stateParts()) {
        parts.add(part.at(layer.name(), position).movedBy(position * stage.stateFloats()));
      }
    }
    return parts;
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    Operand[] slices = new Operand[layer.positions()];
    Run[] runs = new Run[layer.positions()];
    for (int position = 0; position < runs.length; position++) {
      slices[position] = new Operand(layer.layer().inputs(), scratch);
      runs[position] = stage.open(List.of(slices[position]), state, scratch);
    }
    Phase[] phases = runs[0].phases();
    BatchProduct[] batches = new BatchProduct[phases.length];
    for (int phase = 0; phase < phases.length; phase++) {
      Product product = phases[phase].product();
      if (product != null) {
        batches[phase] = new BatchProduct(runs.length, product.pack(), null, scratch);
        if (isSettled(phases[phase])) {
          for (Run run : runs) {
            Phase same = run.phases()[phase];
            batches[phase].batch().add(same.groups(), same.product().binding());
          }
          batches[phase].settle();
        }
      }
    }
    MemorySegment input = inputs.getFirst().floats();
    Positions all = new Positions(input, slices, runs, batches, output.floats());
    return Run.ungated(output, runs.length * runs[0].units(), Phase.whole(all));
  }

  /**
   * Whether the same groups are multiplied in every step, of operands that are not rounded anew.
   */
  private static boolean isSettled(Phase phase) {
    Product product = phase.product();
    return product != null
        && phase.isFixed()
        && product.pack().layout().format() != WeightFormat.I8;
  }

  /** All positions of one stream. */
  private record Positions(
      MemorySegment input,
      Operand[] slices,
      Run[] runs,
      @Nullable BatchProduct[] batches,
      MemorySegment output)
      implements Phase.Whole {
    @Override
    public void run() {
      for (int position = 0; position < runs.length; position++) {
        long bytes = 4L * slices[position].width();
        MemorySegment.copy(input, bytes * position, slices[position].floats(), 0, bytes);
      }
      for (int phase = 0; phase < batches.length; phase++) {
        BatchProduct batch = batches[phase];
        if (batch != null && isSettled(runs[0].phases()[phase])) {
          runs[0].phases()[phase].begin();
          batch.multiplySettled();
        } else if (batch != null) {
          multiply(batch, phase);
        }
        for (Run run : runs) {
          run.phases()[phase].end();
        }
      }
      for (int position = 0; position < runs.length; position++) {
        Operand result = runs[position].output();
        long bytes = 4L * result.width();
        MemorySegment.copy(result.floats(), 0, output, bytes * position, bytes);
      }
    }

    private void multiply(BatchProduct shared, int phase) {
      Batch batch = shared.batch();
      batch.clear();
      for (Run run : runs) {
        Phase of = run.phases()[phase];
        Product product = of.product();
        ActiveSet groups = of.begin();
        if (product != null && product.multipliesAnything()) {
          batch.add(groups, product.binding());
        }
      }
      if (batch.count() > 0) {
        shared.multiply(0);
      }
    }

    @Override
    public int clampedValues() {
      int clamped = 0;
      for (Run run : runs) {
        clamped += run.clampedValues();
      }
      return clamped;
    }

    @Override
    public int movedValues() {
      int moved = 0;
      for (Run run : runs) {
        moved += run.movedValues();
      }
      return moved;
    }

    @Override
    public int keptValues() {
      int kept = 0;
      for (Run run : runs) {
        kept += run.keptValues();
      }
      return kept;
    }

    @Override
    public int valuesHeldBack() {
      int heldBack = 0;
      for (Run run : runs) {
        heldBack += run.valuesHeldBack();
      }
      return heldBack;
    }

    /** What one position reads: the others share it. */
    @Override
    public long bytesRead() {
      return runs[0].bytesRead();
    }
  }
}

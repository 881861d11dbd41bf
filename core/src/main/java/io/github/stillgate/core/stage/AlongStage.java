package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.model.Along;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A recurrent layer over the positions of a step, from zeros in each step. */
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
    return Run.plain(output, Phase.whole(new All(steps, denseBytes(false))));
  }

  /** All directions, one after the other. */
  private record All(Steps[] steps, long bytesRead) implements Phase.Whole {
    @Override
    public void run() {
      for (Steps direction : steps) {
        direction.run();
      }
    }

    @Override
    public int clampedValues() {
      int clamped = 0;
      for (Steps direction : steps) {
        clamped += direction.clamped;
      }
      return clamped;
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
    private final Operand input;
    private final Run run;
    private int clamped;

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
      this.input = new Operand(layer.layer().inputs(), scratch);
      this.run = stage.open(List.of(input), SegmentAllocator.slicingAllocator(state), scratch);
    }

    void run() {
      state.fill((byte) 0);
      clamped = 0;
      long read = 4L * input.width();
      long stride = 4L * layer.layer().outputs();
      for (int i = 0; i < layer.positions(); i++) {
        int position = backward ? layer.positions() - 1 - i : i;
        MemorySegment.copy(from, read * position, input.floats(), 0, read);
        run.step();
        clamped += run.clampedValues();
        MemorySegment.copy(
            run.output().floats(), 0, to, stride * position + 4L * column, 4L * width);
      }
    }
  }
}

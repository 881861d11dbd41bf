package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.GroupLayout;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run over whole sequences owns under a {@link Plan}: the state, and room for what passes
 * between layers. Sequences are built on it; it checks no values itself.
 *
 * <p>A layer goes through all steps before the next one begins. Sums over a layer's input do not
 * wait for its state, so those of {@link #AHEAD} steps are made together and read the weights once.
 *
 * <p>Every access stands between {@link #enter} and {@link #exit}.
 */
public final class SequenceState {
  /** Steps whose input sums are made together. */
  private static final int AHEAD = 32;

  private final OneThread thread;
  private final MemorySegment state;
  private final List<Pass[]> layers = new ArrayList<>();
  private final int inputs;
  private MemorySegment values = MemorySegment.NULL;
  private int stride;

  SequenceState(int inputs, List<Stage> stages, OneThread thread) {
    this.thread = thread;
    this.inputs = inputs;
    Arena memory = Arena.ofAuto();
    long stateFloats = stages.stream().mapToLong(Stage::stateFloats).sum();
    this.state = memory.allocate(Math.max(4, 4 * stateFloats), RowLayout.ALIGNMENT);
    SegmentAllocator states = SegmentAllocator.slicingAllocator(state);
    int width = inputs;
    for (Stage stage : stages) {
      List<WholeSequenceStage.Direction> directions =
          stage instanceof WholeSequenceStage whole
              ? whole.directions()
              : List.of(new WholeSequenceStage.Direction(stage, false));
      List<Pass> passes = new ArrayList<>();
      for (WholeSequenceStage.Direction direction : directions) {
        passes.add(new Pass(direction, width, states, memory));
      }
      layers.add(passes.toArray(new Pass[0]));
      width = stage.outputs();
    }
  }

  /**
   * Takes the sequence for the calling thread until {@link #exit}.
   *
   * @throws IllegalStateException if another thread is inside, or the sequence or its plan is
   *     closed
   */
  public void enter() {
    thread.enter();
  }

  /** Gives the sequence back. */
  public void exit() {
    thread.exit();
  }

  /** Closes the sequence after the run that may be under way. Closing twice does nothing. */
  public void close() {
    thread.close();
  }

  /** The states of all layers one after the other, each padded. */
  public MemorySegment state() {
    return state;
  }

  /** Runs over vectors, from the state as it is. If it breaks off, the sequence is closed. */
  public void run(float[][] input, float[][] output) {
    thread.requireInside();
    try {
      stride = RowLayout.padded(inputs);
      values = room(input.length);
      for (int t = 0; t < input.length; t++) {
        MemorySegment.copy(input[t], 0, values, JAVA_FLOAT, at(t), inputs);
      }
      runFrom(0, input.length, output);
    } catch (Throwable failure) {
      thread.fail();
      throw failure;
    }
  }

  /** The same over tokens, which must be in range. */
  public void run(int[] tokens, float[][] output) {
    thread.requireInside();
    try {
      Pass[] first = layers.get(0);
      MemorySegment next = next(first, tokens.length);
      int column = 0;
      for (Pass pass : first) {
        pass.run(tokens, next, padded(first), column);
        column += pass.outputs;
      }
      values = next;
      stride = padded(first);
      runFrom(1, tokens.length, output);
    } catch (Throwable failure) {
      thread.fail();
      throw failure;
    }
  }

  private void runFrom(int layer, int steps, float[][] output) {
    for (Pass[] passes : layers.subList(layer, layers.size())) {
      MemorySegment next = next(passes, steps);
      int column = 0;
      for (Pass pass : passes) {
        pass.run(values, stride, steps, next, padded(passes), column);
        column += pass.outputs;
      }
      values = next;
      stride = padded(passes);
    }
    for (int t = 0; t < steps; t++) {
      MemorySegment.copy(values, JAVA_FLOAT, at(t), output[t], 0, output[t].length);
    }
    values = MemorySegment.NULL;
    Reference.reachabilityFence(this);
  }

  private long at(int step) {
    return 4L * step * stride;
  }

  private MemorySegment room(int steps) {
    return Arena.ofAuto().allocate(Math.max(4, 4L * steps * stride), RowLayout.ALIGNMENT);
  }

  private static MemorySegment next(Pass[] passes, int steps) {
    return Arena.ofAuto().allocate(Math.max(4, 4L * steps * padded(passes)), RowLayout.ALIGNMENT);
  }

  private static int padded(Pass[] passes) {
    int outputs = 0;
    for (Pass pass : passes) {
      outputs += pass.outputs;
    }
    return RowLayout.padded(outputs);
  }

  /** One stage in one direction. */
  private static final class Pass {
    private final int outputs;
    private final boolean backward;
    private final MemorySegment input;
    private final Stage.Run run;
    private final Batch[] ahead;
    private final MemorySegment[][] aheadSums;

    Pass(WholeSequenceStage.Direction direction, int width, SegmentAllocator states, Arena memory) {
      Stage stage = direction.stage();
      this.outputs = stage.outputs();
      this.backward = direction.backward();
      this.input = memory.allocate(4L * RowLayout.padded(width), RowLayout.ALIGNMENT);
      this.run = stage.open(input, states, memory);
      this.ahead = new Batch[run.phases()];
      this.aheadSums = new MemorySegment[run.phases()][AHEAD];
      for (int phase = 0; phase < run.phases(); phase++) {
        GroupLayout layout = run.sums(phase).bank().rows().layout();
        ahead[phase] = new Batch(AHEAD, layout.groups(), memory);
        if (isAhead(phase)) {
          for (int i = 0; i < AHEAD; i++) {
            aheadSums[phase][i] =
                memory.allocate(4L * layout.sumFloats(layout.inputRows()), RowLayout.ALIGNMENT);
          }
        }
      }
    }

    private boolean isAhead(int phase) {
      return run.fixedGroups(phase) && run.sums(phase).reads(input);
    }

    void run(int[] tokens, MemorySegment to, int toStride, int column) {
      for (int i = 0; i < tokens.length; i++) {
        int t = backward ? tokens.length - 1 - i : i;
        run.step(tokens[t]);
        keep(to, toStride, column, t);
      }
    }

    void run(
        MemorySegment from, int fromStride, int steps, MemorySegment to, int toStride, int column) {
      for (int begin = 0; begin < steps; begin += AHEAD) {
        int count = Math.min(AHEAD, steps - begin);
        for (int phase = 0; phase < run.phases(); phase++) {
          if (isAhead(phase)) {
            Batch batch = ahead[phase];
            batch.clear();
            for (int i = 0; i < count; i++) {
              int t = backward ? steps - 1 - begin - i : begin + i;
              MemorySegment x = from.asSlice(4L * t * fromStride, 4L * fromStride);
              batch.add(run.groups(phase), null, null, x, aheadSums[phase][i]);
            }
            run.sums(phase).bank().rows().multiply(batch);
            batch.release();
          }
        }
        for (int i = 0; i < count; i++) {
          int t = backward ? steps - 1 - begin - i : begin + i;
          MemorySegment.copy(from, 4L * t * fromStride, input, 0, input.byteSize());
          step(i);
          keep(to, toStride, column, t);
        }
      }
    }

    private void step(int i) {
      for (int phase = 0; phase < run.phases(); phase++) {
        if (isAhead(phase)) {
          run.sums(phase).multiplyState(run.groups(phase), aheadSums[phase][i]);
        } else {
          run.sums(phase).multiply(run.groups(phase));
        }
        run.finish(phase);
      }
    }

    private void keep(MemorySegment to, int toStride, int column, int t) {
      long at = 4L * ((long) t * toStride + column);
      MemorySegment.copy(run.output(), 0, to, at, 4L * outputs);
    }
  }
}

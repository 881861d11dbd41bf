package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.GroupLayout;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run over whole sequences owns under a {@link Plan}: the state, and room for what passes
 * between layers. Sequences are built on it; it checks no values itself.
 *
 * <p>A layer goes through all steps before the next one begins. Sums over a layer's input do not
 * wait for its state, so those of {@link #AHEAD} steps are made together and read the weights once.
 *
 * <p>Every access stands between {@link #enter} and {@link #exit}, and every change of the state
 * between {@link #begin} and {@link #finish} besides. A run looks before each step whether it is to
 * be closed, so closing does not wait for the end of a long one.
 */
public final class SequenceState {
  /** Steps whose input sums are made together. */
  private static final int AHEAD = 32;

  private final OneThread thread;
  private final MemorySegment state;
  private final List<Pass[]> layers = new ArrayList<>();
  private final int inputs;

  /** A layer reads one and writes the other. */
  private final StreamMemory.Room[] rooms;

  /** Floats of the widest vector that passes between layers, padded. */
  private final int widest;

  private MemorySegment values = MemorySegment.NULL;
  private MemorySegment next = MemorySegment.NULL;
  private int stride;

  SequenceState(int inputs, List<Stage> stages, OneThread thread) {
    this.thread = thread;
    this.inputs = inputs;
    StreamMemory memory = thread.memory();
    this.rooms = new StreamMemory.Room[] {memory.room(), memory.room()};
    long stateFloats = stages.stream().mapToLong(Stage::stateFloats).sum();
    this.state = memory.allocate(Math.max(4, 4 * stateFloats), RowLayout.ALIGNMENT);
    SegmentAllocator states = SegmentAllocator.slicingAllocator(state);
    int width = inputs;
    int most = inputs;
    for (Stage stage : stages) {
      List<WholeSequenceStage.Direction> directions =
          stage instanceof WholeSequenceStage whole
              ? whole.directions()
              : List.of(new WholeSequenceStage.Direction(stage, false));
      List<Pass> passes = new ArrayList<>();
      for (WholeSequenceStage.Direction direction : directions) {
        passes.add(new Pass(direction, width, states, thread));
      }
      layers.add(passes.toArray(new Pass[0]));
      width = stage.outputs();
      most = Math.max(most, width);
    }
    this.widest = RowLayout.padded(most);
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

  /**
   * Closes the sequence: nobody enters any more, a run that is under way ends at its next step with
   * an {@link IllegalStateException}, and then the memory is freed. Closing twice does nothing.
   */
  public void close() {
    thread.close();
  }

  /** A change of the state begins; if {@link #exit} comes before {@link #finish}, it closes. */
  public void begin() {
    thread.begin();
  }

  /** The change of the state is whole. */
  public void finish() {
    thread.finish();
  }

  /** Whether the sequence is closed, or will be as soon as the thread inside leaves. */
  boolean isClosed() {
    return thread.isClosed();
  }

  /** The states of all layers one after the other, each padded. */
  public MemorySegment state() {
    return state;
  }

  /**
   * Makes room for a run of {@code steps}, which changes no state.
   *
   * @return where the input vectors go, {@link #inputStride} floats from one to the next; the
   *     padding is zero and must stay so
   */
  public MemorySegment room(int steps) {
    thread.requireInside();
    long bytes = Math.max(4, 4L * steps * widest);
    values = rooms[0].atLeast(bytes);
    next = rooms[1].atLeast(bytes);
    stride = inputStride();
    clearPadding(values, stride, inputs, steps);
    return values;
  }

  /** Floats from one input vector to the next. */
  public int inputStride() {
    return RowLayout.padded(inputs);
  }

  /** Runs over the vectors in {@link #room}, from the state as it is. */
  public void run(int steps, float[][] output) {
    thread.requireInside();
    runFrom(0, steps, output);
  }

  /** The same over tokens, which must be in range; {@link #room} is made before. */
  public void run(int[] tokens, float[][] output) {
    thread.requireInside();
    Pass[] first = layers.get(0);
    clearPadding(next, padded(first), outputs(first), tokens.length);
    int column = 0;
    for (Pass pass : first) {
      pass.run(tokens, next, padded(first), column);
      column += pass.outputs;
    }
    turn(first);
    runFrom(1, tokens.length, output);
  }

  private void runFrom(int layer, int steps, float[][] output) {
    for (Pass[] passes : layers.subList(layer, layers.size())) {
      clearPadding(next, padded(passes), outputs(passes), steps);
      int column = 0;
      for (Pass pass : passes) {
        pass.run(values, stride, steps, next, padded(passes), column);
        column += pass.outputs;
      }
      turn(passes);
    }
    for (int t = 0; t < steps; t++) {
      MemorySegment.copy(values, JAVA_FLOAT, 4L * t * stride, output[t], 0, output[t].length);
    }
  }

  /** What was written is read from now on. */
  private void turn(Pass[] written) {
    MemorySegment read = values;
    values = next;
    next = read;
    stride = padded(written);
  }

  /** Rooms are used again, by layers of other widths; padding is zero for whoever multiplies it. */
  private static void clearPadding(MemorySegment vectors, int stride, int width, int steps) {
    if (width < stride) {
      for (int t = 0; t < steps; t++) {
        vectors.asSlice(4L * ((long) t * stride + width), 4L * (stride - width)).fill((byte) 0);
      }
    }
  }

  private static int outputs(Pass[] passes) {
    int outputs = 0;
    for (Pass pass : passes) {
      outputs += pass.outputs;
    }
    return outputs;
  }

  private static int padded(Pass[] passes) {
    return RowLayout.padded(outputs(passes));
  }

  /** One stage in one direction. */
  private static final class Pass {
    private final OneThread thread;
    private final int outputs;
    private final boolean backward;
    private final MemorySegment input;
    private final Stage.Run run;
    private final Batch[] ahead;
    private final MemorySegment[][] aheadSums;

    Pass(
        WholeSequenceStage.Direction direction,
        int width,
        SegmentAllocator states,
        OneThread thread) {
      this.thread = thread;
      StreamMemory memory = thread.memory();
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
        thread.requireOpen();
        int t = backward ? tokens.length - 1 - i : i;
        run.step(tokens[t]);
        keep(to, toStride, column, t);
      }
    }

    void run(
        MemorySegment from, int fromStride, int steps, MemorySegment to, int toStride, int column) {
      for (int begin = 0; begin < steps; begin += AHEAD) {
        int count = Math.min(AHEAD, steps - begin);
        thread.requireOpen();
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
          thread.requireOpen();
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

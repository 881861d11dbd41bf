package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run over whole sequences owns of a {@link Network}: the state, and room for what passes
 * between layers. Sequences are built on it; it checks no values itself.
 *
 * <p>Sums over a layer's input do not wait for its state, so those of {@link #AHEAD} steps are made
 * together and read the weights once. Where all layers go forward, so many steps go through all of
 * them, and what passes between layers stays small and in the cache; otherwise a layer goes through
 * all steps before the next one begins.
 *
 * <p>Every access stands between {@link #enter} and {@link #exit}, and every change of the state
 * between {@link #begin} and {@link #finish} besides. A run looks before each step whether it is to
 * be closed, so closing does not wait for the end of a long one.
 */
public final class SequenceRun {
  /** Steps whose input sums are made together. */
  static final int AHEAD = 32;

  private final OneThread thread;
  private final MemorySegment state;
  private final List<Pass[]> layers = new ArrayList<>();
  private final int inputs;
  private final boolean forward;

  /** The input vectors of a run. */
  private final StreamMemory.Room inputRoom;

  /**
   * What passes between layers: one reads the first and writes the second, the next the reverse.
   */
  private final StreamMemory.Room[] rooms;

  /** Floats of the widest vector that passes between layers, padded. */
  private final int widest;

  private Vectors input = Vectors.NONE;
  private MemorySegment room0 = MemorySegment.NULL;
  private MemorySegment room1 = MemorySegment.NULL;

  SequenceRun(int inputs, List<Slot> slots, OneThread thread) {
    this.thread = thread;
    this.inputs = inputs;
    this.forward = slots.stream().allMatch(Slot::isForward);
    StreamMemory memory = thread.memory();
    this.inputRoom = memory.room();
    this.rooms = new StreamMemory.Room[] {memory.room(), memory.room()};
    long stateFloats = slots.stream().mapToLong(Slot::stateFloats).sum();
    this.state = memory.allocate(Math.max(4, 4 * stateFloats), Lanes.ALIGNMENT);
    StatePart.begin(Network.stateParts(slots), state);
    SegmentAllocator states = SegmentAllocator.slicingAllocator(state);
    int width = inputs;
    int most = 1;
    for (Slot slot : slots) {
      List<Pass> passes = new ArrayList<>();
      for (Slot.Direction direction : slot.directions()) {
        passes.add(new Pass(direction, width, states, thread));
      }
      layers.add(passes.toArray(new Pass[0]));
      width = slot.outputs();
      most = Math.max(most, width);
    }
    this.widest = Lanes.padded(most);
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
  public boolean isClosed() {
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
    MemorySegment vectors = inputRoom.atLeast(Math.max(4, 4L * steps * inputStride()));
    input = new Vectors(vectors, 0, inputStride());
    input.clearPadding(inputs, steps);
    makeRooms(steps);
    return vectors;
  }

  /** Makes room for a run over {@code steps} tokens, which changes no state. */
  public void roomForTokens(int steps) {
    thread.requireInside();
    makeRooms(steps);
  }

  private void makeRooms(int steps) {
    long bytes = Math.max(4, 4L * widest * (forward ? Math.min(steps, AHEAD) : steps));
    room0 = rooms[0].atLeast(bytes);
    room1 = rooms[1].atLeast(bytes);
  }

  /** Floats from one input vector to the next. */
  public int inputStride() {
    return Lanes.padded(inputs);
  }

  /** Runs over the vectors in {@link #room}, from the state as it is. */
  public void run(int steps, float[][] output) {
    thread.requireInside();
    int most = forward ? AHEAD : Math.max(1, steps);
    for (int begin = 0; begin < steps; begin += most) {
      int count = Math.min(most, steps - begin);
      runLayers(0, input.from(begin), count, begin, output);
    }
  }

  /** The same over tokens, which must be in range; {@link #roomForTokens} is called before. */
  public void run(int[] tokens, float[][] output) {
    thread.requireInside();
    int steps = tokens.length;
    int most = forward ? AHEAD : Math.max(1, steps);
    Pass[] first = layers.get(0);
    for (int begin = 0; begin < steps; begin += most) {
      int count = Math.min(most, steps - begin);
      Vectors to = new Vectors(room0, 0, padded(first));
      to.clearPadding(outputs(first), count);
      int column = 0;
      for (Pass pass : first) {
        pass.run(tokens, begin, count, to, column);
        column += pass.outputs;
      }
      runLayers(1, to, count, begin, output);
    }
  }

  /** Takes {@code count} vectors through the layers from {@code layer} on. */
  private void runLayers(int layer, Vectors from, int count, int begin, float[][] output) {
    Vectors values = from;
    for (Pass[] passes : layers.subList(layer, layers.size())) {
      MemorySegment free = values.memory == room0 ? room1 : room0;
      Vectors to = new Vectors(free, 0, padded(passes));
      to.clearPadding(outputs(passes), count);
      int column = 0;
      for (Pass pass : passes) {
        pass.run(values, count, to, column);
        column += pass.outputs;
      }
      values = to;
    }
    for (int t = 0; t < count; t++) {
      float[] result = output[begin + t];
      MemorySegment.copy(values.memory, JAVA_FLOAT, values.at(t), result, 0, result.length);
    }
  }

  /** Values of a layer that were beyond the scale of their operand, over all steps of all runs. */
  public long clampedValues(int layer) {
    long clamped = 0;
    for (Pass pass : layers.get(layer)) {
      clamped += pass.clampedValues();
    }
    return clamped;
  }

  private static int outputs(Pass[] passes) {
    int outputs = 0;
    for (Pass pass : passes) {
      outputs += pass.outputs;
    }
    return outputs;
  }

  private static int padded(Pass[] passes) {
    return Lanes.padded(outputs(passes));
  }

  /**
   * The vectors of some steps, one after the other.
   *
   * @param memory where they lie
   * @param first floats before the first
   * @param stride floats from one to the next
   */
  record Vectors(MemorySegment memory, long first, int stride) {
    static final Vectors NONE = new Vectors(MemorySegment.NULL, 0, 0);

    /** Those from step {@code step} on. */
    Vectors from(int step) {
      return new Vectors(memory, first + (long) step * stride, stride);
    }

    /** Byte offset of a step's vector. */
    long at(int step) {
      return 4L * (first + (long) step * stride);
    }

    /** A step's vector with its padding. */
    MemorySegment vector(int step) {
      return memory.asSlice(at(step), 4L * stride);
    }

    /**
     * Rooms are used again, by layers of other widths; padding is zero for whoever multiplies it.
     */
    void clearPadding(int width, int steps) {
      if (width < stride) {
        for (int t = 0; t < steps; t++) {
          memory.asSlice(at(t) + 4L * width, 4L * (stride - width)).fill((byte) 0);
        }
      }
    }
  }
}

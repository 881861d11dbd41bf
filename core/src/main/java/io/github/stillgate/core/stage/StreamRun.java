package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What one stream owns of a {@link Network}: its state in one segment, its scratch, and the gate
 * that keeps out a second thread and a closed plan. Sessions are built on it; it checks no values
 * itself.
 *
 * <p>Every access to the memory stands between {@link #enter} and {@link #exit}; workers of a
 * {@link Team} touch it within {@link #step} only. Between two such pairs the stream may move to
 * another thread. Memory of a closed plan or stream is freed after the exit, so no step ever runs
 * on freed memory. What changes the state stands between {@link #begin} and {@link #finish}
 * besides: a change that breaks off closes the stream. The streams of a batch share one gate and
 * one memory.
 */
public final class StreamRun {
  private final OneThread thread;
  private final MemorySegment[] inputs;
  private final MemorySegment state;
  private final Run[] runs;
  private final MemorySegment[] outputs;
  private final int[] multiplying;

  /** What a graph does behind its layers; null in a chain, which does nothing there. */
  private final @Nullable StepEnd end;

  StreamRun(Network network, OneThread thread) {
    this.thread = thread;
    StreamMemory memory = thread.memory();
    Wiring wiring = network.wiring();
    List<StatePart> parts = network.stateParts();
    long stateFloats = parts.stream().mapToLong(StatePart::floats).sum();
    this.state = memory.allocate(Math.max(4, 4 * stateFloats), Lanes.ALIGNMENT);
    StatePart.begin(parts, state);
    List<Operand> values = new ArrayList<>();
    for (int width : wiring.inputs()) {
      values.add(new Operand(width, memory));
    }
    this.inputs = values.stream().map(Operand::floats).toArray(MemorySegment[]::new);
    // The replaced states lie behind those of the layers.
    for (StatePart part : parts.subList(parts.size() - wiring.states().size(), parts.size())) {
      MemorySegment floats = state.asSlice(4L * part.at(), 4L * part.floats());
      values.add(new Operand(part.width(), floats));
    }
    SegmentAllocator states = SegmentAllocator.slicingAllocator(state);
    this.runs = new Run[network.slots().size()];
    for (int i = 0; i < runs.length; i++) {
      List<Operand> read = wiring.reads().get(i).stream().map(values::get).toList();
      runs[i] = network.slots().get(i).stage().open(read, states, memory);
      values.add(runs[i].output());
    }
    this.multiplying =
        IntStream.range(0, runs.length).filter(layer -> runs[layer].multiplies()).toArray();
    this.outputs = new MemorySegment[wiring.outputs().size()];
    if (wiring.isChain()) {
      this.end = null;
      outputs[0] = values.getLast().floats();
    } else {
      Operand[] all = values.toArray(Operand[]::new);
      this.end = new StepEnd(wiring, all, outputs, network.vectors(), memory);
    }
  }

  /** Lets the network's workers share large multiplications of {@link #step}, if it has any. */
  void divide() {
    for (Run run : runs) {
      run.divide(thread.split(), thread.memory());
    }
  }

  /**
   * Takes the stream for the calling thread until {@link #exit}.
   *
   * @throws IllegalStateException if another thread is inside, or the stream or its plan is closed
   */
  public void enter() {
    thread.enter();
  }

  /** Gives the stream back. */
  public void exit() {
    thread.exit();
  }

  /**
   * Closes the stream: nobody enters any more, and its memory is freed when nobody is inside.
   * Closing twice does nothing.
   */
  public void close() {
    thread.close();
  }

  /** A change of the state begins; if {@link #exit} comes before {@link #finish}, it closes. */
  public void begin() {
    thread.begin();
  }

  /** The change of the state is whole, and its results are where they belong. */
  public void finish() {
    thread.finish();
  }

  /**
   * One step on what {@link #input} holds, which {@link #begin} and {@link #finish} surround.
   * Kernels read memory by address: a stream that the calling thread has not entered is refused.
   */
  public void step() {
    thread.requireInside();
    runs[0].readVector();
    for (Run run : runs) {
      run.step();
    }
    end();
  }

  /**
   * The same, and when each layer was done.
   *
   * @param clock receives the time in nanoseconds before the first layer and behind each
   */
  public void step(long[] clock) {
    thread.requireInside();
    runs[0].readVector();
    clock[0] = System.nanoTime();
    for (int i = 0; i < runs.length; i++) {
      runs[i].step();
      clock[i + 1] = System.nanoTime();
    }
    end();
  }

  /** The same on token {@code token}, which must be in range. */
  public void step(int token) {
    thread.requireInside();
    runs[0].readToken(token);
    for (Run run : runs) {
      run.step();
    }
    end();
  }

  /** What follows when all layers have made their step. */
  void end() {
    if (end != null) {
      end.run();
    }
  }

  /** Whether the stream is closed, or will be as soon as the thread inside leaves. */
  public boolean isClosed() {
    return thread.isClosed();
  }

  /** What one layer does for this stream. */
  Run run(int layer) {
    return runs[layer];
  }

  /** The input vector, padded with zeros that must stay; the first of several. */
  public MemorySegment input() {
    return inputs[0];
  }

  /** Number of input vectors. */
  public int inputs() {
    return inputs.length;
  }

  /** One of several input vectors. */
  public MemorySegment input(int number) {
    return inputs[number];
  }

  /** The output vector of the last step, padded; the first of several. */
  public MemorySegment output() {
    return outputs[0];
  }

  /** One of several output vectors. */
  public MemorySegment output(int number) {
    return outputs[number];
  }

  /** The states of all layers one after the other, each padded, then those a step replaces. */
  public MemorySegment state() {
    return state;
  }

  /** The layers that multiply: there is nothing to count in a step of others. */
  public int[] multiplying() {
    return multiplying.clone();
  }

  /** Number of layers. */
  public int layers() {
    return runs.length;
  }

  /** Units of a layer that could be live or still, or that keep a state; 0 if it has none. */
  public int units(int layer) {
    return runs[layer].units();
  }

  /** Units of a layer that were live in the last step. */
  public int liveUnits(int layer) {
    return runs[layer].liveUnits();
  }

  /** Values of a layer that moved in the last step, of those whose sums are kept. */
  public int movedValues(int layer) {
    return runs[layer].movedValues();
  }

  /** How many values of a layer had their sums kept in the last step. */
  public int keptValues(int layer) {
    return runs[layer].keptValues();
  }

  /** Values of a layer that were held back in the last step because too many moved. */
  public int valuesHeldBack(int layer) {
    return runs[layer].valuesHeldBack();
  }

  /** Units of a layer that were held back in the last step because too many were live. */
  public int unitsHeldBack(int layer) {
    return runs[layer].unitsHeldBack();
  }

  /**
   * From now on the gates of every step are drawn at random, all of them open: the steps that cost
   * most under a limit. For a stream that is only timed.
   */
  public void drawScores() {
    for (Run run : runs) {
      run.drawScores();
    }
  }

  /** Values of a layer that were beyond the scale of their operand in the last step. */
  public int clampedValues(int layer) {
    return runs[layer].clampedValues();
  }

  /** Weight bytes the last step read, over all layers. */
  public long bytesRead() {
    long bytes = 0;
    for (int layer : multiplying) {
      bytes += runs[layer].bytesRead();
    }
    return bytes;
  }
}

package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * What one stream owns under a {@link Plan}: its state in one segment, its scratch, and the gate
 * that keeps out a second thread and a closed plan. Sessions are built on it; it checks no values
 * itself.
 *
 * <p>Every access to the memory stands between {@link #enter} and {@link #exit}. Between two such
 * pairs the stream may move to another thread. Memory of a closed plan or stream is freed after the
 * exit, so no step ever runs on freed memory. What changes the state stands between {@link #begin}
 * and {@link #finish} besides: a change that breaks off closes the stream. The streams of a batch
 * share one gate and one memory.
 */
public final class StreamState {
  private final OneThread thread;
  private final MemorySegment input;
  private final MemorySegment state;
  private final Stage.Run[] runs;
  private final MemorySegment output;

  StreamState(int inputs, List<Stage> stages, OneThread thread) {
    this.thread = thread;
    StreamMemory memory = thread.memory();
    long stateFloats = stages.stream().mapToLong(Stage::stateFloats).sum();
    this.state = memory.allocate(Math.max(4, 4 * stateFloats), RowLayout.ALIGNMENT);
    this.input = memory.allocate(4L * RowLayout.padded(inputs), RowLayout.ALIGNMENT);
    SegmentAllocator states = SegmentAllocator.slicingAllocator(state);
    List<Stage.Run> opened = new ArrayList<>();
    MemorySegment from = input;
    for (Stage stage : stages) {
      Stage.Run run = stage.open(from, states, memory);
      opened.add(run);
      from = run.output();
    }
    this.runs = opened.toArray(new Stage.Run[0]);
    this.output = from;
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
    for (Stage.Run run : runs) {
      run.step();
    }
  }

  /** The same on token {@code token}, which must be in range. */
  public void step(int token) {
    thread.requireInside();
    runs[0].step(token);
    for (int i = 1; i < runs.length; i++) {
      runs[i].step();
    }
  }

  /** Whether the stream is closed, or will be as soon as the thread inside leaves. */
  boolean isClosed() {
    return thread.isClosed();
  }

  /** What one layer does for this stream. */
  Stage.Run run(int layer) {
    return runs[layer];
  }

  /** The input vector, padded with zeros that must stay. */
  public MemorySegment input() {
    return input;
  }

  /** The output vector of the last step, padded. */
  public MemorySegment output() {
    return output;
  }

  /** The states of all layers one after the other, each padded. */
  public MemorySegment state() {
    return state;
  }

  /** Floats in {@link #state}. */
  public int stateFloats() {
    return (int) (state.byteSize() / JAVA_FLOAT.byteSize());
  }

  /** Number of layers. */
  public int layers() {
    return runs.length;
  }

  /** Units of a layer, or 0 if it has no gates. */
  public int units(int layer) {
    return runs[layer].units();
  }

  /** Units of a layer that were live in the last step. */
  public int liveUnits(int layer) {
    return runs[layer].liveUnits();
  }

  /** Weight bytes the last step read, over all layers. */
  public long bytesRead() {
    long bytes = 0;
    for (Stage.Run run : runs) {
      bytes += run.bytesRead();
    }
    return bytes;
  }
}

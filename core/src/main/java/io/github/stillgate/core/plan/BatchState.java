package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.PackedRows;
import java.util.ArrayList;
import java.util.List;

/**
 * What many streams that step together own under a {@link Plan}: the state of each, and the batches
 * in which a pack multiplies them. Batch sessions are built on it; it checks no values itself.
 *
 * <p>A step goes through the phases of a layer with all its streams before the next phase, so that
 * a block is read once for all streams in which it is live. What one stream computes does not
 * depend on the others.
 *
 * <p>One gate is kept for all streams: every access stands between {@link #enter} and {@link
 * #exit}, and every change between {@link #begin} and {@link #finish} besides.
 */
public final class BatchState {
  private final OneThread thread;
  private final StreamState[] streams;
  private final StreamState[] stepping;
  private final int[] tokens;
  private final Batch[][] batches;
  private int count;

  BatchState(int capacity, int inputs, List<Stage> stages, OneThread thread) {
    if (capacity < 1) {
      throw new IllegalArgumentException(
          "a batch of %d streams; expected at least 1".formatted(capacity));
    }
    this.thread = thread;
    this.streams = new StreamState[capacity];
    for (int i = 0; i < capacity; i++) {
      streams[i] = new StreamState(inputs, stages, thread);
    }
    this.stepping = new StreamState[capacity];
    this.tokens = new int[capacity];
    List<Batch[]> layers = new ArrayList<>();
    for (int layer = 0; layer < stages.size(); layer++) {
      Stage.Run run = streams[0].run(layer);
      Batch[] phases = new Batch[run.phases()];
      for (int phase = 0; phase < phases.length; phase++) {
        PackedRows rows = run.sums(phase).bank().rows();
        phases[phase] = new Batch(capacity, rows.layout().groups(), thread.memory());
      }
      layers.add(phases);
    }
    this.batches = layers.toArray(new Batch[0][]);
  }

  /**
   * Takes all streams for the calling thread until {@link #exit}.
   *
   * @throws IllegalStateException if another thread is inside, or the session or its plan is closed
   */
  public void enter() {
    thread.enter();
  }

  /** Gives the streams back. */
  public void exit() {
    thread.exit();
  }

  /**
   * Closes all streams: nobody enters any more, and their memory is freed when nobody is inside.
   * Closing twice does nothing.
   */
  public void close() {
    thread.close();
  }

  /** A change begins; if {@link #exit} comes before {@link #finish}, all streams are closed. */
  public void begin() {
    thread.begin();
  }

  /** The change is whole. */
  public void finish() {
    thread.finish();
  }

  /** Whether the streams are closed, or will be as soon as the thread inside leaves. */
  boolean isClosed() {
    return thread.isClosed();
  }

  /** Number of streams there is room for. */
  public int capacity() {
    return streams.length;
  }

  /** The memory of one stream, to be used while inside. */
  public StreamState stream(int stream) {
    return streams[stream];
  }

  /** Lets a stream take part in the next step with the vector in its input. */
  public void offer(int stream) {
    offer(stream, -1);
  }

  /** Lets a stream take part in the next step with a token, which must be in range. */
  public void offer(int stream, int token) {
    stepping[count] = streams[stream];
    tokens[count++] = token;
  }

  /**
   * One step of all streams that were offered since the last, each with its own input; {@link
   * #begin} and {@link #finish} surround it and the offers.
   */
  public void step() {
    thread.requireInside();
    for (int layer = 0; layer < batches.length; layer++) {
      for (int phase = 0; phase < batches[layer].length; phase++) {
        Batch batch = batches[layer][phase];
        if (layer == 0) {
          multiplyTokens(batch, phase);
        }
        multiplyVectors(batch, layer, phase);
        for (int i = 0; i < count; i++) {
          stepping[i].run(layer).finish(phase);
        }
      }
    }
    count = 0;
  }

  private void multiplyTokens(Batch batch, int phase) {
    batch.clear();
    for (int i = 0; i < count; i++) {
      Stage.Run run = stepping[i].run(0);
      if (tokens[i] >= 0 && run.sums(phase).bank().readsTokens()) {
        run.sums(phase).multiplyIn(batch, run.groups(phase), tokens[i]);
      }
    }
    multiply(batch, 0, phase);
  }

  private void multiplyVectors(Batch batch, int layer, int phase) {
    batch.clear();
    for (int i = 0; i < count; i++) {
      Stage.Run run = stepping[i].run(layer);
      if (layer > 0 || tokens[i] < 0 || !run.sums(phase).bank().readsTokens()) {
        run.sums(phase).multiplyIn(batch, run.groups(phase));
      }
    }
    multiply(batch, layer, phase);
  }

  private void multiply(Batch batch, int layer, int phase) {
    if (batch.count() > 0) {
      streams[0].run(layer).sums(phase).bank().rows().multiply(batch);
    }
  }
}

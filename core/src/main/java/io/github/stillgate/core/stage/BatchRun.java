package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Product;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What many streams that step together own of a {@link Network}: the state of each, and the batches
 * in which a pack multiplies them. Batch sessions are built on it; it checks no values itself.
 *
 * <p>A step goes through the phases of a layer with all its streams before the next phase, so that
 * a block is read once for all streams in which it is live. What one stream computes does not
 * depend on the others.
 *
 * <p>One gate is kept for all streams: every access stands between {@link #enter} and {@link
 * #exit}, and every change between {@link #begin} and {@link #finish} besides.
 */
public final class BatchRun {
  private final OneThread thread;
  private final StreamRun[] streams;
  private final StreamRun[] stepping;
  private final int[] tokens;
  private final @Nullable BatchProduct[][] batches;
  private int count;

  BatchRun(int capacity, Network network, OneThread thread) {
    if (capacity < 1) {
      throw new IllegalArgumentException(
          "a batch of %d streams; expected at least 1".formatted(capacity));
    }
    this.thread = thread;
    this.streams = new StreamRun[capacity];
    for (int i = 0; i < capacity; i++) {
      streams[i] = new StreamRun(network, thread);
    }
    this.stepping = new StreamRun[capacity];
    this.tokens = new int[capacity];
    this.batches = new BatchProduct[network.slots().size()][];
    for (int layer = 0; layer < batches.length; layer++) {
      Phase[] phases = streams[0].run(layer).phases();
      batches[layer] = new BatchProduct[phases.length];
      for (int phase = 0; phase < phases.length; phase++) {
        Product product = phases[phase].product();
        if (product != null) {
          batches[layer][phase] =
              new BatchProduct(capacity, product.pack(), thread.split(), thread.memory());
        }
      }
    }
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
  public boolean isClosed() {
    return thread.isClosed();
  }

  /** Number of streams there is room for. */
  public int capacity() {
    return streams.length;
  }

  /** The memory of one stream, to be used while inside. */
  public StreamRun stream(int stream) {
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
    for (int i = 0; i < count; i++) {
      if (tokens[i] >= 0) {
        stepping[i].run(0).readToken(tokens[i]);
      } else {
        stepping[i].run(0).readVector();
      }
    }
    for (int layer = 0; layer < batches.length; layer++) {
      for (int phase = 0; phase < batches[layer].length; phase++) {
        BatchProduct batch = batches[layer][phase];
        if (batch != null) {
          multiply(batch, layer, phase, true);
          multiply(batch, layer, phase, false);
        }
        for (int i = 0; i < count; i++) {
          stepping[i].run(layer).phases()[phase].end();
        }
      }
    }
    for (int i = 0; i < count; i++) {
      stepping[i].end();
    }
    count = 0;
  }

  /**
   * Multiplies the streams that read a token here, or those that do not: the streams of one batch
   * leave out the same operands.
   */
  private void multiply(BatchProduct shared, int layer, int phase, boolean byToken) {
    Batch batch = shared.batch();
    batch.clear();
    long bytes = 0;
    for (int i = 0; i < count; i++) {
      Phase of = stepping[i].run(layer).phases()[phase];
      Product product = Objects.requireNonNull(of.product());
      if (product.isByToken() == byToken) {
        ActiveSet groups = of.begin();
        if (product.multipliesAnything()) {
          batch.add(groups, product.binding());
          bytes += product.multipliedBytes(groups);
        }
      }
    }
    if (batch.count() > 0) {
      shared.multiply(bytes);
    }
  }
}

package io.github.stillgate.core.session;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.BatchRun;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StreamRun;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Many live streams through a {@link Plan} that step together, so that a block of weights is read
 * once for all streams in which it is live. Streams join and leave at any time; each has its own
 * state, and its bits do not depend on the others: they are those of a {@link Session}.
 *
 * <pre>
 *   Stream a = batch.join();
 *   a.feed(token);                   // and so on for the others
 *   batch.step();                    // all that were fed
 *   a.read(output);
 * </pre>
 *
 * <p>Feeding, stepping and reading allocate nothing. The batch with all its streams serves one
 * thread at a time; a second one inside is detected and refused. A call that throws an exception
 * changes nothing; one that breaks off half-way with an error of the JVM closes the batch.
 *
 * <p>Closing frees the memory of all streams at once; that of a batch that is dropped is freed
 * after a garbage collection.
 */
public final class BatchSession implements AutoCloseable {
  private final Plan plan;
  private final BatchRun batch;
  private final Deque<Integer> free = new ArrayDeque<>();
  private final Stream[] fed;
  private int fedCount;
  private volatile int size;

  private BatchSession(Plan plan, int capacity) {
    this.plan = plan;
    this.batch = NetworkAccess.of(plan).openBatch(capacity);
    this.fed = new Stream[capacity];
    for (int i = 0; i < capacity; i++) {
      free.addLast(i);
    }
  }

  /**
   * Room for {@code capacity} streams, none of which has joined.
   *
   * @throws IllegalArgumentException if the capacity is below 1
   * @throws IllegalStateException if the plan is closed
   */
  public static BatchSession open(Plan plan, int capacity) {
    return new BatchSession(plan, capacity);
  }

  /** The plan this batch steps through. */
  public Plan plan() {
    return plan;
  }

  /** Number of streams there is room for. */
  public int capacity() {
    return batch.capacity();
  }

  /** Number of streams that have joined and not left; any thread may ask. */
  public int size() {
    return size;
  }

  /**
   * A new stream in its initial state.
   *
   * @throws IllegalStateException if the batch is full or closed, or another thread is inside
   */
  public Stream join() {
    batch.enter();
    try {
      if (free.isEmpty()) {
        throw new IllegalStateException(
            "all %d streams of the batch are taken; let one leave or open a larger batch"
                .formatted(batch.capacity()));
      }
      batch.begin();
      Stream stream = new Stream(free.removeFirst());
      stream.port.state().reset();
      size = batch.capacity() - free.size();
      batch.finish();
      return stream;
    } finally {
      batch.exit();
    }
  }

  /**
   * One step of every stream that was fed since the last step; the others stay as they are.
   *
   * @return how many streams stepped
   * @throws IllegalStateException if the batch or its plan is closed, or another thread is inside
   */
  public int step() {
    batch.enter();
    try {
      int stepped = fedCount;
      if (stepped == 0) {
        return 0;
      }
      batch.begin();
      for (int i = 0; i < stepped; i++) {
        Stream stream = fed[i];
        if (stream.token >= 0) {
          batch.offer(stream.place, stream.token);
        } else {
          batch.offer(stream.place);
        }
      }
      batch.step();
      for (int i = 0; i < stepped; i++) {
        fed[i].stepped();
      }
      fedCount = 0;
      batch.finish();
      return stepped;
    } finally {
      batch.exit();
    }
  }

  /**
   * Closes the batch with all its streams: their next call throws. Their memory is freed at once,
   * or as soon as the step that is running has ended; closing does not wait for it. Any thread may
   * close. Closing twice does nothing.
   */
  @Override
  public void close() {
    batch.close();
  }

  /** One stream of a batch. */
  public final class Stream {
    private final int place;
    private final StreamRun state;
    private final Port port;
    private final StepStats stats;
    private boolean joined = true;
    private boolean isFed;
    private boolean hasOutput;
    private int token;

    private Stream(int place) {
      this.place = place;
      this.state = batch.stream(place);
      this.port = new Port(plan, state);
      this.stats = new StepStats(state);
    }

    /**
     * Gives the stream its next input, a vector; it is copied.
     *
     * @throws InputRefusedException if a value is NaN, infinite or out of bound
     * @throws IllegalArgumentException if the vector has the wrong length
     * @throws IllegalStateException if the stream was fed already, has left, the batch is closed,
     *     or another thread is inside
     */
    public void feed(float[] input) {
      enter();
      try {
        requireNotFed();
        port.take(input);
        take(-1);
      } finally {
        batch.exit();
      }
    }

    /**
     * Gives the stream its next input, a token.
     *
     * @throws IllegalArgumentException if the token is out of range
     * @throws UnsupportedOperationException if the model reads no tokens
     * @throws IllegalStateException if the stream was fed already, has left, the batch is closed,
     *     or another thread is inside
     */
    public void feed(int token) {
      port.checkToken(token);
      enter();
      try {
        requireNotFed();
        take(token);
      } finally {
        batch.exit();
      }
    }

    /**
     * Gives one of the stream's next inputs by its name; it is copied. The stream takes part in the
     * next step of the batch when all its inputs are set.
     *
     * @throws InputRefusedException if a value is NaN, infinite or out of bound; the input is not
     *     set then
     * @throws IllegalArgumentException if there is no such input, or the array has the wrong length
     * @throws IllegalStateException if the stream was fed already, has left, the batch is closed,
     *     or another thread is inside
     */
    public void set(String input, float[] values) {
      enter();
      try {
        requireNotFed();
        if (port.set(input, values)) {
          take(-1);
        }
      } finally {
        batch.exit();
      }
    }

    private void requireNotFed() {
      if (isFed) {
        throw new IllegalStateException(
            "the stream was fed already; call step() on the batch before feeding it again");
      }
    }

    private void take(int nextToken) {
      isFed = true;
      token = nextToken;
      fed[fedCount++] = this;
    }

    /** What {@link Session#check} says. */
    public int check(float[] input) {
      return port.check(input);
    }

    private void stepped() {
      isFed = false;
      hasOutput = true;
      port.stepped();
      stats.record();
    }

    /**
     * Copies what the stream's last step gave.
     *
     * @throws IllegalArgumentException if the array has the wrong length
     * @throws IllegalStateException if it has not stepped since it joined or was reset or restored,
     *     has left, or the batch is closed
     */
    public void read(float[] output) {
      port.checkOutput(output);
      enter();
      try {
        if (!hasOutput) {
          throw new IllegalStateException("the stream has not stepped yet; feed it and step()");
        }
        port.read(output);
      } finally {
        batch.exit();
      }
    }

    /**
     * Copies an output of the stream's last step by its name.
     *
     * @throws IllegalArgumentException if there is no such output, or the array has the wrong
     *     length
     * @throws IllegalStateException if it has not stepped since it joined or was reset or restored,
     *     has left, or the batch is closed
     */
    public void get(String output, float[] values) {
      enter();
      try {
        port.get(output, values);
      } finally {
        batch.exit();
      }
    }

    /**
     * Sets the state to what it was when the stream joined, and forgets an input it was fed.
     *
     * @throws IllegalStateException if the stream has left, the batch is closed, or another thread
     *     is inside
     */
    public void reset() {
      enter();
      try {
        batch.begin();
        forget();
        port.state().reset();
        batch.finish();
      } finally {
        batch.exit();
      }
    }

    /**
     * The state as bytes that {@link #restore} or {@link Session#restore} takes.
     *
     * @throws IllegalStateException if the stream has left, the batch is closed, or another thread
     *     is inside
     */
    public byte[] snapshot() {
      enter();
      try {
        return port.state().snapshot();
      } finally {
        batch.exit();
      }
    }

    /**
     * Continues from a snapshot, and forgets an input it was fed. Magnitudes below {@link
     * Elementary#FLUSH_BELOW} become +0.
     *
     * @throws IllegalArgumentException if the bytes are damaged, of an unknown version, of another
     *     model, or hold what no state can be; the state has not changed
     */
    public void restore(byte[] snapshot) {
      float[][] decoded = port.state().decode(snapshot);
      enter();
      try {
        batch.begin();
        forget();
        port.state().restore(decoded);
        batch.finish();
      } finally {
        batch.exit();
      }
    }

    /** What this stream's steps did; the same object every time. */
    public StepStats stats() {
      return stats;
    }

    /**
     * Gives the place to another stream. Leaving twice does nothing.
     *
     * @throws IllegalStateException if the batch is closed or another thread is inside
     */
    public void leave() {
      if (!joined) {
        return;
      }
      batch.enter();
      try {
        if (!joined) {
          return;
        }
        batch.begin();
        forget();
        joined = false;
        free.addLast(place);
        size = batch.capacity() - free.size();
        batch.finish();
      } finally {
        batch.exit();
      }
    }

    private void forget() {
      hasOutput = false;
      port.forget();
      if (isFed) {
        isFed = false;
        int at = 0;
        while (fed[at] != this) {
          at++;
        }
        fed[at] = fed[--fedCount];
      }
    }

    private void enter() {
      batch.enter();
      if (!joined) {
        batch.exit();
        throw new IllegalStateException("the stream has left the batch; join() for another");
      }
    }
  }
}

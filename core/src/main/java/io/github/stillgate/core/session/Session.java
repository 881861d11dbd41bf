package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.StreamState;
import java.lang.foreign.MemorySegment;

/**
 * One live stream through a {@link Plan}: it carries the state from step to step and allocates
 * nothing while stepping.
 *
 * <p>A session serves one thread at a time; a second one inside it is detected and refused. Between
 * steps it may be handed to another thread. A call that throws leaves the state as it was.
 */
public final class Session implements AutoCloseable {
  private final Plan plan;
  private final StreamState stream;
  private final StepStats stats;
  private final int inputs;
  private final int outputs;
  private final int tokens;
  private final float inputBound;

  private Session(Plan plan) {
    this.plan = plan;
    this.stream = plan.openStream();
    this.stats = new StepStats(stream);
    this.inputs = plan.model().inputs();
    this.outputs = plan.model().outputs();
    this.tokens = plan.model().vocabulary().isPresent() ? inputs : 0;
    this.inputBound = plan.inputBound();
  }

  /**
   * A new stream with state zero.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public static Session open(Plan plan) {
    return new Session(plan);
  }

  /** The plan this session steps through. */
  public Plan plan() {
    return plan;
  }

  /**
   * One step on a vector.
   *
   * @param input as many values as the model reads, finite and at most {@link Plan#inputBound} in
   *     magnitude; not changed
   * @param output receives as many values as the model gives; may be {@code input}
   * @throws IllegalArgumentException if an array has the wrong length or an input value is NaN,
   *     infinite or out of bound; the state has not changed
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void step(float[] input, float[] output) {
    if (input.length != inputs) {
      throw new IllegalArgumentException(
          "input has %d values, the model reads %d".formatted(input.length, inputs));
    }
    requireOutput(output);
    for (int i = 0; i < input.length; i++) {
      // Written so that NaN fails it too.
      if (!(Math.abs(input[i]) <= inputBound)) {
        throw new IllegalArgumentException(
            "input %d is %s; the plan takes finite values up to %s in magnitude"
                .formatted(i, input[i], inputBound));
      }
    }
    stream.enter();
    try {
      MemorySegment.copy(input, 0, stream.input(), JAVA_FLOAT, 0, inputs);
      stream.step();
      finish(output);
    } finally {
      stream.exit();
    }
  }

  /**
   * One step on a token: the same bits as a step on the vector that is 1 at {@code token} and 0
   * elsewhere.
   *
   * @param token from 0 to the size of the model's vocabulary, exclusive
   * @param output receives as many values as the model gives
   * @throws IllegalArgumentException if the output has the wrong length or the token is out of
   *     range
   * @throws UnsupportedOperationException if the model has no vocabulary
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void step(int token, float[] output) {
    requireOutput(output);
    if (token < 0 || token >= tokens) {
      throw refusedToken(token);
    }
    stream.enter();
    try {
      stream.step(token);
      finish(output);
    } finally {
      stream.exit();
    }
  }

  private void finish(float[] output) {
    MemorySegment.copy(stream.output(), JAVA_FLOAT, 0, output, 0, outputs);
    stats.record();
  }

  private void requireOutput(float[] output) {
    if (output.length != outputs) {
      throw new IllegalArgumentException(
          "output has room for %d values, the model gives %d".formatted(output.length, outputs));
    }
  }

  private RuntimeException refusedToken(int token) {
    return tokens == 0
        ? new UnsupportedOperationException(
            "the model reads vectors, not tokens; call step(float[], float[]) or give the weights"
                + " file a vocabulary")
        : new IllegalArgumentException(
            "token %d is out of range; the vocabulary has %d tokens".formatted(token, tokens));
  }

  /**
   * Sets the state to zero, as it was when the session was opened.
   *
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void reset() {
    stream.enter();
    try {
      stream.state().fill((byte) 0);
    } finally {
      stream.exit();
    }
  }

  /**
   * The state as bytes that {@link #restore} takes, in this JVM or another, on this backend or
   * another.
   *
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public byte[] snapshot() {
    stream.enter();
    try {
      float[] state = new float[stream.stateFloats()];
      MemorySegment.copy(stream.state(), JAVA_FLOAT, 0, state, 0, state.length);
      return Snapshot.encode(plan.model().fingerprint(), state);
    } finally {
      stream.exit();
    }
  }

  /**
   * Continues from a snapshot. Magnitudes below {@link Elementary#FLUSH_BELOW} become +0.
   *
   * @throws IllegalArgumentException if the bytes are damaged, of an unknown version, of another
   *     model, or hold what no state can be; the state has not changed
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void restore(byte[] snapshot) {
    float[] state = Snapshot.decode(snapshot, plan.model().fingerprint(), stream.stateFloats());
    stream.enter();
    try {
      MemorySegment.copy(state, 0, stream.state(), JAVA_FLOAT, 0, state.length);
    } finally {
      stream.exit();
    }
  }

  /** What the steps did; the same object every time. */
  public StepStats stats() {
    return stats;
  }

  /** Closes the session, after the step that may be running. Closing twice does nothing. */
  @Override
  public void close() {
    stream.close();
  }
}

package io.github.stillgate.core.session;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.StatePart;
import io.github.stillgate.core.plan.StreamState;

/**
 * One live stream through a {@link Plan}: it carries the state from step to step and allocates
 * nothing while stepping.
 *
 * <p>A session serves one thread at a time; a second one inside it is detected and refused. Between
 * steps it may be handed to another thread. A call that throws an exception leaves the state as it
 * was; a step that breaks off with an error of the JVM closes the session.
 */
public final class Session implements AutoCloseable {
  private final Plan plan;
  private final StreamState stream;
  private final Port port;
  private final StepStats stats;

  private Session(Plan plan) {
    this.plan = plan;
    this.stream = plan.openStream();
    this.port = new Port(plan, stream);
    this.stats = new StepStats(stream);
  }

  /**
   * A new stream with state zero.
   *
   * @throws IllegalStateException if the plan is closed
   * @throws UnsupportedOperationException if a layer needs the whole sequence; {@link Sequence}
   *     runs those
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
    port.checkInput(input);
    port.checkOutput(output);
    stream.enter();
    try {
      port.write(input);
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
   * @param token from 0 to {@code plan().model().inputs()}, exclusive
   * @param output receives as many values as the model gives
   * @throws IllegalArgumentException if the output has the wrong length or the token is out of
   *     range
   * @throws UnsupportedOperationException if the model reads no tokens
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void step(int token, float[] output) {
    port.checkOutput(output);
    port.checkToken(token);
    stream.enter();
    try {
      stream.step(token);
      finish(output);
    } finally {
      stream.exit();
    }
  }

  private void finish(float[] output) {
    port.read(output);
    stats.record();
  }

  /**
   * Sets the state to zero, as it was when the session was opened.
   *
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void reset() {
    stream.enter();
    try {
      port.state().reset();
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
      return port.state().snapshot();
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
    float[] state = port.state().decode(snapshot);
    stream.enter();
    try {
      port.state().restore(state);
    } finally {
      stream.exit();
    }
  }

  /**
   * A copy of one layer's state.
   *
   * @param name the layer's name, a dot, and h, c for the cells of an LSTM, or m for what {@link
   *     io.github.stillgate.core.plan.Skipping#below} carries; {@link Plan#stateParts} lists them
   * @throws IllegalArgumentException if there is no such state
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public float[] state(String name) {
    StatePart part = port.state().part(name);
    stream.enter();
    try {
      return port.state().read(part);
    } finally {
      stream.exit();
    }
  }

  /**
   * Replaces one layer's state, for example by the last state of an encoder. Magnitudes below
   * {@link Elementary#FLUSH_BELOW} become +0.
   *
   * @param name as above
   * @param values as many as the state has, within its bound
   * @throws IllegalArgumentException if there is no such state, or the values cannot be one; the
   *     state has not changed
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void state(String name, float[] values) {
    StatePart part = port.state().part(name);
    StateVectors.check(part, values);
    stream.enter();
    try {
      port.state().write(part, values);
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

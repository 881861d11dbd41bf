package io.github.stillgate.core.session;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StatePart;
import io.github.stillgate.core.stage.StreamRun;

/**
 * One live stream through a {@link Plan}: it carries the state from step to step and allocates
 * nothing while stepping.
 *
 * <p>A session serves one thread at a time; a second one inside it is detected and refused. Between
 * steps it may be handed to another thread. Workers of a plan with {@link
 * io.github.stillgate.core.plan.PlanOptions#withThreads several threads} help within a step and
 * have left when it returns; the bits are the same. A call that throws an exception leaves the
 * state as it was; one that breaks off half-way with an error of the JVM closes the session.
 *
 * <p>Closing frees the session's memory at once; that of a session that is dropped is freed after a
 * garbage collection.
 */
public final class Session implements AutoCloseable {
  private final Plan plan;
  private final StreamRun stream;
  private final Port port;
  private final StepStats stats;

  private Session(Plan plan) {
    this.plan = plan;
    this.stream = NetworkAccess.of(plan).openStream();
    this.port = new Port(plan, stream);
    this.stats = new StepStats(stream);
  }

  /**
   * A new stream in its initial state: zero, unless the model says otherwise.
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
   * One step on a vector, for models that read one and give one; others are given and give theirs
   * by name ({@link #set}, {@link #step()}, {@link #get}).
   *
   * @param input as many values as the model reads, finite and at most {@link Plan#inputBound} in
   *     magnitude; not changed
   * @param output receives as many values as the model gives; may be {@code input}
   * @throws InputRefusedException if an input value is NaN, infinite or out of bound; the state has
   *     not changed
   * @throws IllegalArgumentException if an array has the wrong length; the state has not changed
   * @throws UnsupportedOperationException if the model has several inputs or outputs
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void step(float[] input, float[] output) {
    port.checkOutput(output);
    stream.enter();
    try {
      port.take(input);
      stream.begin();
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
      stream.begin();
      stream.step(token);
      finish(output);
    } finally {
      stream.exit();
    }
  }

  private void finish(float[] output) {
    port.read(output);
    finish();
  }

  private void finish() {
    stats.record();
    port.stepped();
    stream.finish();
  }

  /**
   * Gives an input of the next step by its name; it is copied. Models that read one vector have one
   * input, called {@code input} unless they name it ({@link
   * io.github.stillgate.core.model.Model#graph}).
   *
   * @param input name of one of the model's inputs
   * @param values as many as it has, finite and at most {@link Plan#inputBound} in magnitude; not
   *     changed
   * @throws InputRefusedException if a value is NaN, infinite or out of bound; the input is not set
   *     then
   * @throws IllegalArgumentException if there is no such input, or the array has the wrong length
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void set(String input, float[] values) {
    stream.enter();
    try {
      port.set(input, values);
    } finally {
      stream.exit();
    }
  }

  /**
   * One step on the inputs that were {@link #set}, each since the last step.
   *
   * @throws IllegalStateException if an input was not set, the session or its plan is closed, or
   *     another thread is inside; the state has not changed
   */
  public void step() {
    stream.enter();
    try {
      port.requireComplete();
      stream.begin();
      stream.step();
      finish();
    } finally {
      stream.exit();
    }
  }

  /**
   * Copies an output of the last step by its name. In a model whose layers are a chain it is called
   * as the last layer.
   *
   * @param output name of one of the model's outputs
   * @param values receives as many values as it has
   * @throws IllegalArgumentException if there is no such output, or the array has the wrong length
   * @throws IllegalStateException if there was no step since the session was opened, reset or
   *     restored, the session or its plan is closed, or another thread is inside
   */
  public void get(String output, float[] values) {
    stream.enter();
    try {
      port.get(output, values);
    } finally {
      stream.exit();
    }
  }

  /**
   * Whether a step would take {@code input}; costs nothing but the look, where {@link #step}
   * throws. Any thread may ask, of a closed session too: it looks at the input alone.
   *
   * @param input as many values as the model reads; not changed
   * @return the position of the first value that is NaN, infinite or beyond {@link
   *     Plan#inputBound}, or -1 if there is none
   * @throws IllegalArgumentException if the array has the wrong length
   */
  public int check(float[] input) {
    return port.check(input);
  }

  /**
   * Sets the state to what it was when the session was opened: zero, but for states of a graph that
   * begin with other values. Inputs that were set and outputs are forgotten.
   *
   * @throws IllegalStateException if the session or its plan is closed, or another thread is inside
   */
  public void reset() {
    stream.enter();
    try {
      stream.begin();
      port.forget();
      port.state().reset();
      stream.finish();
    } finally {
      stream.exit();
    }
  }

  /**
   * The state as bytes that {@link #restore} takes, in this JVM or another, on this backend or
   * another; {@link Snapshot} has their format.
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
    float[][] state = port.state().decode(snapshot);
    stream.enter();
    try {
      stream.begin();
      port.forget();
      port.state().restore(state);
      stream.finish();
    } finally {
      stream.exit();
    }
  }

  /**
   * A copy of one layer's state.
   *
   * @param name the layer's name, a dot, and h, c for the cells of an LSTM, or m for what {@link
   *     io.github.stillgate.core.plan.Skipping#below} carries; or a state of a graph; {@link
   *     Plan#stateNames} lists them
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
    float[] copy = StateVectors.checkedCopy(part, values);
    stream.enter();
    try {
      stream.begin();
      port.state().replace(part, copy);
      stream.finish();
    } finally {
      stream.exit();
    }
  }

  /** What the steps did; the same object every time. */
  public StepStats stats() {
    return stats;
  }

  /**
   * Closes the session: its next call throws. Its memory is freed at once, or as soon as the step
   * that is running has ended; closing does not wait for it. Any thread may close. Closing twice
   * does nothing.
   */
  @Override
  public void close() {
    stream.close();
  }
}

package io.github.stillgate.core.session;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.SequenceState;
import io.github.stillgate.core.plan.StatePart;

/**
 * Runs over whole sequences, which are there from the first step to the last: the only way for
 * layers that read from both ends, and faster than a {@link Session} for others, since weights over
 * the input are read once for many steps. Other than that it computes what a session does, with the
 * same bits.
 *
 * <p>A sequence serves one thread at a time. A call that throws an exception leaves the state as it
 * was; a run that breaks off with an error of the JVM closes it. Runs allocate their results.
 */
public final class Sequence implements AutoCloseable {
  private final Plan plan;
  private final SequenceState sequence;
  private final StateVectors state;

  private Sequence(Plan plan) {
    this.plan = plan;
    this.sequence = plan.openSequence();
    this.state = new StateVectors(plan, sequence.state());
  }

  /**
   * A sequence with state zero.
   *
   * @throws IllegalStateException if the plan is closed
   */
  public static Sequence open(Plan plan) {
    return new Sequence(plan);
  }

  /**
   * Runs over vectors, from the state as it is: that of the last run, unless it was {@link #reset}.
   *
   * @param input one vector a step, each as wide as the model reads, finite and at most {@link
   *     Plan#inputBound} in magnitude; not changed
   * @return one vector a step, each as wide as the model gives
   * @throws IllegalArgumentException if a vector has the wrong length, or a value is NaN, infinite
   *     or out of bound; the state has not changed
   * @throws IllegalStateException if the sequence or its plan is closed, or another thread is
   *     inside
   */
  public float[][] run(float[][] input) {
    for (int t = 0; t < input.length; t++) {
      Port.checkInput(plan, input[t], "step " + t + ": ");
    }
    float[][] output = new float[input.length][plan.model().outputs()];
    sequence.enter();
    try {
      sequence.run(input, output);
      return output;
    } finally {
      sequence.exit();
    }
  }

  /**
   * Runs over tokens; otherwise like {@link #run(float[][])}.
   *
   * @throws IllegalArgumentException if a token is out of range
   * @throws UnsupportedOperationException if the model reads no tokens
   */
  public float[][] run(int[] tokens) {
    for (int token : tokens) {
      Port.checkToken(plan, token);
    }
    float[][] output = new float[tokens.length][plan.model().outputs()];
    sequence.enter();
    try {
      sequence.run(tokens, output);
      return output;
    } finally {
      sequence.exit();
    }
  }

  /**
   * Sets the state to zero, as it was when the sequence was opened.
   *
   * @throws IllegalStateException if the sequence or its plan is closed, or another thread is
   *     inside
   */
  public void reset() {
    sequence.enter();
    try {
      state.reset();
    } finally {
      sequence.exit();
    }
  }

  /**
   * A copy of one layer's state: that after the last step, or in a layer that runs backward after
   * the first.
   *
   * @param name the layer's name, a dot, and h, c for the cells of an LSTM, or m for what {@link
   *     io.github.stillgate.core.plan.Skipping#below} carries; in a bidirectional layer its name
   *     stands before. {@link Plan#stateParts} lists them
   * @throws IllegalArgumentException if there is no such state
   * @throws IllegalStateException if the sequence or its plan is closed, or another thread is
   *     inside
   */
  public float[] state(String name) {
    StatePart part = state.part(name);
    sequence.enter();
    try {
      return state.read(part);
    } finally {
      sequence.exit();
    }
  }

  /**
   * Replaces one layer's state.
   *
   * @param name as above
   * @param values as many as the state has, within its bound
   * @throws IllegalArgumentException if there is no such state, or the values cannot be one; the
   *     state has not changed
   * @throws IllegalStateException if the sequence or its plan is closed, or another thread is
   *     inside
   */
  public void state(String name, float[] values) {
    StatePart part = state.part(name);
    StateVectors.check(part, values);
    sequence.enter();
    try {
      state.write(part, values);
    } finally {
      sequence.exit();
    }
  }

  /** Closes it, after the run that may be under way. Closing twice does nothing. */
  @Override
  public void close() {
    sequence.close();
  }
}

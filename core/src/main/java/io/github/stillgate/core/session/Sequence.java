package io.github.stillgate.core.session;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.SequenceRun;
import io.github.stillgate.core.stage.StatePart;
import java.lang.foreign.MemorySegment;

/**
 * Runs over whole sequences, which are there from the first step to the last: the only way for
 * layers that read from both ends, and faster than a {@link Session} for others, since weights over
 * the input are read once for many steps. Other than that it computes what a session does, with the
 * same bits.
 *
 * <p>A sequence serves one thread at a time. A call that throws an exception leaves the state as it
 * was; a run that breaks off half-way with an error of the JVM closes it. Runs allocate their
 * results; what passes between layers lies in memory that the longest run so far needed, and that
 * is freed by closing, or after a garbage collection if the sequence is dropped.
 */
public final class Sequence implements AutoCloseable {
  private final Plan plan;
  private final SequenceRun sequence;
  private final StateVectors state;

  private Sequence(Plan plan) {
    this.plan = plan;
    this.sequence = NetworkAccess.of(plan).openSequence();
    this.state = new StateVectors(plan, sequence.state());
  }

  /**
   * A sequence in its initial state, as {@link Session#open} has it.
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
   * @throws InputRefusedException if a value is NaN, infinite or out of bound; the state has not
   *     changed
   * @throws IllegalArgumentException if a vector has the wrong length; the state has not changed
   * @throws IllegalStateException if the sequence or its plan is closed, also while it runs, or
   *     another thread is inside
   */
  public float[][] run(float[][] input) {
    float[][] output = new float[input.length][plan.model().outputs()];
    sequence.enter();
    try {
      MemorySegment vectors = sequence.room(input.length);
      for (int t = 0; t < input.length; t++) {
        Port.take(plan, input[t], vectors, (long) t * sequence.inputStride(), t);
      }
      sequence.begin();
      sequence.run(input.length, output);
      sequence.finish();
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
    int[] copy = tokens.clone();
    for (int token : copy) {
      Port.checkToken(plan, token);
    }
    float[][] output = new float[copy.length][plan.model().outputs()];
    sequence.enter();
    try {
      sequence.roomForTokens(copy.length);
      sequence.begin();
      sequence.run(copy, output);
      sequence.finish();
      return output;
    } finally {
      sequence.exit();
    }
  }

  /**
   * Values of layer {@code layer} that were clamped, over all steps of all runs that were begun:
   * what {@link StepStats#clamped} counts in a session. Read it from the thread that runs.
   *
   * @throws IndexOutOfBoundsException if there is no such layer
   */
  public long clamped(int layer) {
    return sequence.clampedValues(layer);
  }

  /**
   * Sets the state to what it was when the sequence was opened, as {@link Session#reset} does.
   *
   * @throws IllegalStateException if the sequence or its plan is closed, or another thread is
   *     inside
   */
  public void reset() {
    sequence.enter();
    try {
      sequence.begin();
      state.reset();
      sequence.finish();
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
   *     stands before. {@link Plan#stateNames} lists them
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
    float[] copy = StateVectors.checkedCopy(part, values);
    sequence.enter();
    try {
      sequence.begin();
      state.replace(part, copy);
      sequence.finish();
    } finally {
      sequence.exit();
    }
  }

  /**
   * Closes it: its next call throws, and so does a run that is under way, at its next step. Its
   * memory is freed then; closing does not wait for it. Any thread may close. Closing twice does
   * nothing.
   */
  @Override
  public void close() {
    sequence.close();
  }
}

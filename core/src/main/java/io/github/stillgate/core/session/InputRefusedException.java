package io.github.stillgate.core.session;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An input value that a plan does not take: NaN, infinite, or beyond its bound. The state has not
 * changed.
 *
 * <p>A gap in a stream is no rare event, and filling in a stack trace takes as long as several
 * steps: this exception has none, and its message is made when it is read. {@link Session#check}
 * answers without an exception.
 */
public final class InputRefusedException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final int step;
  private final @Nullable String input;
  private final int index;
  private final float value;
  private final float bound;
  private final boolean oneHot;

  /**
   * A refusal.
   *
   * @param step of a sequence, or -1
   * @param input name of one of several inputs
   * @param oneHot if the model reads tokens, whose bound no option changes
   */
  InputRefusedException(
      int step, @Nullable String input, int index, float value, float bound, boolean oneHot) {
    this.step = step;
    this.input = input;
    this.index = index;
    this.value = value;
    this.bound = bound;
    this.oneHot = oneHot;
  }

  /** Position of the value in its vector, from 0. */
  public int index() {
    return index;
  }

  /** The value that was refused. */
  public float value() {
    return value;
  }

  @Override
  public String getMessage() {
    return String.format(
        Locale.ROOT,
        "%s%s %d is %s; the plan takes finite values up to %s in magnitude%s",
        step < 0 ? "" : "step " + step + ": ",
        input == null ? "input" : "value of input " + input + " at",
        index,
        value,
        bound,
        cure());
  }

  private String cure() {
    if (!Float.isFinite(value)) {
      return "; replace what is missing before the step, or leave the step out";
    }
    return oneHot
        ? ", since the model reads tokens; give step(int) the token, or shares of at most 1"
        : "; scale the input, or compile with PlanOptions.withInputBound";
  }

  /** Leaves the stack trace empty: see above. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}

package io.github.stillgate.core.model;

import java.util.List;

/**
 * Two vectors of equal width value by value: {@code y_i = f(a_i, b_i)}, clipped to plus and minus
 * {@link Operation#LIMIT}. A vector that is to be spread over a longer one goes through an {@link
 * IndexMap} before.
 *
 * @param name of the layer and of what it gives
 * @param width values of each vector
 * @param kind f
 */
public record Combine(String name, int width, Kind kind) implements Operation {
  /** The function of two values a and b. */
  public enum Kind {
    /** {@code a + b}. */
    ADD,
    /** {@code a - b}. */
    SUBTRACT,
    /** {@code a b}. */
    MULTIPLY,
    /** {@code a / b}; 0 if both are 0, and plus or minus the limit if only b is. */
    DIVIDE,
    /** {@code a < b ? a : b}. */
    MINIMUM,
    /** {@code a > b ? a : b}. */
    MAXIMUM,
    /** {@code a} to the power of {@code b}, as {@link Activation.Function#POWER}. */
    POWER,
    /** {@code a > 0 ? a : a b}: a rectifier with a slope of its own for each value. */
    LEAK
  }

  /** Checks the width. */
  public Combine {
    Operation.requireWidth(name, width);
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of(width, width);
  }

  @Override
  public int outputs() {
    return width;
  }
}

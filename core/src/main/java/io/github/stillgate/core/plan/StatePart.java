package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.RowLayout;

/**
 * One vector that a stream keeps from step to step.
 *
 * @param name the layer's name, a dot, and the vector's name in the formulas: {@code rnn0.h}
 * @param at where it begins in the stream's state, in floats
 * @param width number of values
 * @param bound largest magnitude a value can reach
 */
public record StatePart(String name, int at, int width, float bound) {
  /** Floats it takes in the stream's state. */
  int floats() {
    return RowLayout.padded(width);
  }

  /** The same vector behind {@code floats} others. */
  StatePart movedBy(int floats) {
    return new StatePart(name, at + floats, width, bound);
  }

  /** The same vector under a longer name. */
  StatePart within(String layer) {
    return new StatePart(layer + "." + name, at, width, bound);
  }
}

package io.github.stillgate.core.model;

import java.util.List;

/**
 * A function of each value alone: {@code y_i = f(x_i)}. What a step of the function may give beyond
 * {@link Operation#LIMIT} is clipped before the next step.
 *
 * @param name of the layer and of what it gives
 * @param width values it reads and gives
 * @param function f
 */
public record Elementwise(String name, int width, Activation.Elementwise function)
    implements Operation {
  /** Checks the width. */
  public Elementwise {
    Operation.requireWidth(name, width);
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of(width);
  }

  @Override
  public int outputs() {
    return width;
  }
}

package io.github.stillgate.core.model;

import org.jspecify.annotations.Nullable;

/** Says which part a layer's builder lacks. */
final class Parts {
  private Parts() {}

  /**
   * {@code part}, which must be there.
   *
   * @throws IllegalStateException if it was not given to the builder
   */
  static <T> T required(@Nullable T part, String layer, String what) {
    if (part == null) {
      throw new IllegalStateException(
          "layer %s: %s is missing; give it to the builder before build()".formatted(layer, what));
    }
    return part;
  }
}

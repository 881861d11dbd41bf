package io.github.stillgate.core.plan;

/**
 * Whether a plan leaves out the units whose gates stand still. The bits are the same either way.
 */
public enum Skipping {
  /**
   * The rows of still units are not read, unless so many are live that reading everything is faster
   * ({@link Plan#crossover}).
   */
  STILL_UNITS,
  /** Every unit is computed and still ones are then left as they were: the dense baseline. */
  NOTHING
}

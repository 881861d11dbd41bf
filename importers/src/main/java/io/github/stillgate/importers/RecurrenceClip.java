package io.github.stillgate.importers;

import io.github.stillgate.core.model.Activation;

/** Makes functions fit to stand inside a recurrence, where a plan refuses those without a bound. */
public final class RecurrenceClip {
  /**
   * Above every sum that float32 networks work with, and far enough from overflow: a recurrence
   * computes the same with this clip, but cannot run away.
   */
  private static final float BOUND = 0x1p59f;

  private RecurrenceClip() {}

  /** The same function; of its argument clipped to [-2^59, 2^59] if its values exceed that. */
  public static Activation.Elementwise bounded(Activation.Elementwise function) {
    Activation.Range range = function.range(Activation.Range.of(Float.MAX_VALUE));
    return range.magnitude() > BOUND ? Activation.clip(BOUND).then(function) : function;
  }
}

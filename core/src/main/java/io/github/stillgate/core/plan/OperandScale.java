package io.github.stillgate.core.plan;

import io.github.stillgate.core.model.OperandRole;

/**
 * What an int8 plan rounds an operand of a layer by: a value v becomes {@code rint(v / scale)}.
 *
 * @param layer the layer's name, before which that of a pair of directions stands with a dot
 * @param operand which one
 * @param origin where the scale is from
 * @param scale the scale; 0 if it is taken in each step
 */
public record OperandScale(String layer, OperandRole operand, Origin origin, float scale) {
  /** Where a scale is from. */
  public enum Origin {
    /** min(1, bound) / 127, since the plan proved that the operand lies within [-1, 1]. */
    PROVED,

    /** Found on data ({@link io.github.stillgate.core.model.OperandScales}). */
    CALIBRATED,

    /**
     * Taken from the largest value in each step. All columns are multiplied then, whether their
     * values moved or not.
     */
    EACH_STEP
  }
}

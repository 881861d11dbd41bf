package io.github.stillgate.core.stage;

import io.github.stillgate.core.model.OperandRole;

/**
 * What is known of an operand before a step is made.
 *
 * @param role which operand of the layer it is
 * @param reach its largest magnitude
 */
record OperandBound(OperandRole role, double reach) {
  static OperandBound input(double reach) {
    return new OperandBound(OperandRole.INPUT, reach);
  }

  static OperandBound state(double reach) {
    return new OperandBound(OperandRole.STATE, reach);
  }
}

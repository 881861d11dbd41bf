package io.github.stillgate.core.stage;

import io.github.stillgate.core.model.OperandRole;

/** What a layer that is packed as int8 asks about its operands, and what it says of them. */
public interface Int8Operands {
  /** The scale that was found for an operand on data, or 0. */
  float found(OperandRole role);

  /**
   * Hears what became of an operand.
   *
   * @param scale that it always has; 0 if it is taken from its values each time
   * @param proved whether the scale is that of what is proved to lie within [-1, 1]
   */
  void packed(OperandRole role, float scale, boolean proved);
}

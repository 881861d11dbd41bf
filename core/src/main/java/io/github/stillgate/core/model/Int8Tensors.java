package io.github.stillgate.core.model;

import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsWriter;

/** Which tensors of a layer files hold as int8, and how: integers, and a scale for each row. */
public final class Int8Tensors {
  /** What the name of a tensor's scales ends in, after the tensor's own. */
  public static final String SCALE = ".scale";

  private static final String ESTIMATE = "estimate.";

  private Int8Tensors() {}

  /**
   * Whether a layer's tensor is held as int8 where the layer is: a matrix whose rows a plan
   * multiplies. The estimate of a GRU is not, and the table of an embedding has rows of another
   * meaning.
   */
  static boolean has(Layer layer, String field) {
    return switch (layer) {
      case Embedding _, Positions _, Operation _ -> false;
      case Gru gru -> isMatrix(gru, field) && !field.startsWith(ESTIMATE);
      case Backward backward -> has(backward.layer(), field);
      case AtPositions at -> has(at.layer(), field);
      case Bidirectional pair ->
          has(pair.forward(), field, pair) || has(pair.backward(), field, pair);
      default -> isMatrix(layer, field);
    };
  }

  private static boolean has(Layer direction, String field, Bidirectional pair) {
    String prefix = direction.name() + ".";
    return pair.tensors().containsKey(field)
        && field.startsWith(prefix)
        && has(direction, field.substring(prefix.length()));
  }

  private static boolean isMatrix(Layer layer, String field) {
    Matrix tensor = layer.tensors().get(field);
    return tensor != null && !tensor.isVector();
  }

  /** Adds a matrix, rounded to int8 if it is not held so. */
  static void add(WeightsWriter writer, String name, Matrix matrix) {
    Matrix int8 = matrix.toInt8();
    writer.tensor(name, DType.I8, int8::copyIntegers, int8.rows(), int8.columns());
    writer.tensor(name + SCALE, DType.F32, int8.rowScales()::copy, int8.rows());
  }
}

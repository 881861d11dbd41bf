package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A vector that is the same in every step. It reads nothing, so it is computed once for a plan.
 *
 * @param name of the layer and of what it gives
 * @param values the vector, within plus and minus {@link Operation#LIMIT}
 */
public record Constant(String name, Matrix values) implements Operation {
  /** Checks that the values are a vector within the limit. */
  public Constant {
    values.requireLength(values.rows());
    Operation.requireWidth(name, values.rows());
    if (values.magnitude() > LIMIT) {
      throw new IllegalArgumentException(
          "layer %s: a constant of magnitude %s; expected at most %s"
              .formatted(name, values.magnitude(), LIMIT));
    }
  }

  /** The vector {@code values}. */
  public static Constant of(String name, float... values) {
    return new Constant(name, Matrix.vector(name + ".values", values));
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of();
  }

  @Override
  public int outputs() {
    return values.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("values", values);
    return tensors;
  }
}

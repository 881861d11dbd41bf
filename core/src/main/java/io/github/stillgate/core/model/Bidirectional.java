package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * Two layers over one sequence, one of them from its end: at every step the outputs of both, one
 * behind the other. Needs the whole sequence, so it runs in a {@code Sequence} and never in a
 * {@code Session}.
 *
 * @param name of the pair
 * @param forward from the first step to the last
 * @param backward from the last step to the first
 */
public record Bidirectional(String name, Layer forward, Layer backward) implements Layer {
  /** Checks that both read the same and have no directions of their own. */
  public Bidirectional {
    Backward.requireOneDirection(forward);
    Backward.requireOneDirection(backward);
    if (forward.inputs() != backward.inputs()) {
      throw new IllegalArgumentException(
          "layer %s: %s reads %d values and %s %d"
              .formatted(
                  name, forward.name(), forward.inputs(), backward.name(), backward.inputs()));
    }
    if (forward.name().equals(backward.name())) {
      throw new IllegalArgumentException(
          "layer %s: both directions are named %s".formatted(name, forward.name()));
    }
  }

  @Override
  public int inputs() {
    return forward.inputs();
  }

  @Override
  public int outputs() {
    return forward.outputs() + backward.outputs();
  }

  /** The tensors of both, under their names and a dot. */
  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    for (Layer layer : new Layer[] {forward, backward}) {
      layer.tensors().forEach((field, m) -> tensors.put(layer.name() + "." + field, m));
    }
    return tensors;
  }
}

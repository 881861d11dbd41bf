package io.github.stillgate.importers.keras;

import io.github.stillgate.core.model.Activation;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Activations by the words Keras has for them. */
final class KerasActivations {
  private static final Map<String, Activation> SAME_IN_ALL =
      Map.of(
          "linear",
          Activation.LINEAR,
          "tanh",
          Activation.TANH,
          "sigmoid",
          Activation.SIGMOID,
          "relu",
          Activation.RELU,
          "relu6",
          Activation.LINEAR.then(Activation.Function.CLAMP, 0, 6),
          "softsign",
          Activation.SOFTSIGN,
          "softmax",
          Activation.SOFTMAX,
          "elu",
          Activation.LINEAR.then(Activation.Function.ELU, 1, 0));

  private static final String HARD_SIGMOID = "hard_sigmoid";
  private static final String LEAKY_RELU = "leaky_relu";

  private KerasActivations() {}

  /**
   * The function of a word.
   *
   * @param isKeras3 whether the file is of Keras 3, whose hard sigmoid is another
   */
  static Optional<Activation> of(String word, boolean isKeras3) {
    if (word.equals(HARD_SIGMOID)) {
      // Keras 3: relu6(x + 3) / 6.
      return Optional.of(
          isKeras3 ? Activation.hardSigmoid(1f / 6, 0.5f) : Activation.hardSigmoid(0.2f, 0.5f));
    }
    if (word.equals(LEAKY_RELU)) {
      return Optional.of(
          Activation.LINEAR.then(Activation.Function.LEAK, isKeras3 ? 0.2f : 0.3f, 0));
    }
    return Optional.ofNullable(SAME_IN_ALL.get(word));
  }

  /** All words. */
  static Set<String> known() {
    Set<String> words = new TreeSet<>(SAME_IN_ALL.keySet());
    words.add(HARD_SIGMOID);
    words.add(LEAKY_RELU);
    return words;
  }
}

package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Activations by the names of their functions in {@code torch.nn.functional}, with the constants
 * that PyTorch has where none are given.
 */
final class TorchActivations {
  /** With the constants that PyTorch and the authors of the SRU have, as float32. */
  static final Activation.Elementwise SELU =
      elu(1.6732632f).then(Activation.Function.AFFINE, 1.050701f, 0);

  private static final String LEAKY_RELU = "leaky_relu";
  private static final String ELU = "elu";

  private static final SequencedMap<String, Activation> NAMED = named();

  /** Such as {@code leaky_relu(0.2)}. */
  private static final Pattern WITH_CONSTANT = Pattern.compile("([a-z_]+)\\(([^()]*)\\)");

  private TorchActivations() {}

  private static SequencedMap<String, Activation> named() {
    SequencedMap<String, Activation> all = new TreeMap<>(Activation.NAMED);
    all.put("selu", SELU);
    all.put(ELU, elu(1));
    all.put(LEAKY_RELU, leakyRelu(0.01f));
    all.put("relu6", Activation.LINEAR.then(Activation.Function.CLAMP, 0, 6));
    all.put("hardtanh", Activation.clip(1));
    all.put("hardsigmoid", Activation.hardSigmoid(1 / 6f, 0.5f));
    return all;
  }

  private static Activation.Elementwise elu(float alpha) {
    return Activation.LINEAR.then(Activation.Function.ELU, alpha, 0);
  }

  private static Activation.Elementwise leakyRelu(float slope) {
    return Activation.LINEAR.then(Activation.Function.LEAK, slope, 0);
  }

  /** All names, sorted. */
  static List<String> names() {
    return List.copyOf(NAMED.keySet());
  }

  /** Whether {@code word} is meant to name one. */
  static boolean isOne(String word) {
    return NAMED.containsKey(word) || WITH_CONSTANT.matcher(word).matches();
  }

  /**
   * The activation of that name, with a constant in brackets for {@code leaky_relu} and {@code
   * elu}.
   *
   * @throws IllegalArgumentException if there is none, or its constant is no finite number
   */
  static Activation of(String word) {
    Optional<Activation> found = Optional.ofNullable(NAMED.get(word));
    Matcher matcher = WITH_CONSTANT.matcher(word);
    if (matcher.matches()) {
      String name = matcher.group(1);
      if (name.equals(LEAKY_RELU)) {
        found = Optional.of(leakyRelu(constant(word, matcher.group(2))));
      } else if (name.equals(ELU)) {
        found = Optional.of(elu(constant(word, matcher.group(2))));
      }
    }
    return found.orElseThrow(() ->
        new IllegalArgumentException(
            "activation \"%s\" is not known (known: %s; leaky_relu and elu take a number in brackets)"
                .formatted(word, NAMED.keySet())));
  }

  private static float constant(String word, String number) {
    try {
      float constant = Float.parseFloat(number);
      if (Float.isFinite(constant)) {
        return constant;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "activation \"%s\": \"%s\" is no number".formatted(word, number), e);
    }
    throw new IllegalArgumentException(
        "activation \"%s\": its number is not finite".formatted(word));
  }
}

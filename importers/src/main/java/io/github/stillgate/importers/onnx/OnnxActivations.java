package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The activations of one direction of a recurrent node.
 *
 * <p>activation_alpha and activation_beta hold constants only for functions that take them, in the
 * order of the functions.
 */
final class OnnxActivations {
  /**
   * The sums of gates and candidates are clipped. The third function takes an LSTM's cells on their
   * way out; of those the standard says nothing clearly, and ONNX Runtime does not clip them.
   */
  private static final int CLIPPED = 2;

  private static final String SUPPORTED =
      "Affine, Elu, HardSigmoid, LeakyRelu, Relu, ScaledTanh, Sigmoid, Softplus, Softsign, Tanh,"
          + " ThresholdedRelu";

  private final GraphNode node;
  private final Iterator<Float> alpha;
  private final Iterator<Float> beta;
  private final Optional<Activation.Elementwise> clip;

  private OnnxActivations(GraphNode node) {
    this.node = node;
    this.alpha = node.numbers("activation_alpha").iterator();
    this.beta = node.numbers("activation_beta").iterator();
    this.clip =
        node.has("clip") ? Optional.of(clip(node.number("clip", 0), node)) : Optional.empty();
  }

  private static Activation.Elementwise clip(float bound, GraphNode node) {
    if (!(bound > 0 && bound <= Float.MAX_VALUE)) {
      throw node.malformed("attribute clip is %s, expected a number above 0".formatted(bound));
    }
    return Activation.clip(bound);
  }

  /**
   * The activations of each direction.
   *
   * @param standard names of those of one direction when the node lists none
   */
  static List<List<Activation.Elementwise>> of(
      GraphNode node, int directions, List<String> standard) {
    int each = standard.size();
    List<String> names =
        node.texts("activations")
            .filter(listed -> !listed.isEmpty())
            .orElseGet(() -> repeated(standard, directions));
    if (names.size() != directions * each) {
      throw node.malformed(
          "%d activations %s, expected %d for each of %d directions"
              .formatted(names.size(), names, each, directions));
    }
    OnnxActivations read = new OnnxActivations(node);
    List<List<Activation.Elementwise>> all = new ArrayList<>();
    for (int direction = 0; direction < directions; direction++) {
      List<Activation.Elementwise> functions = new ArrayList<>();
      for (int i = 0; i < each; i++) {
        Activation.Elementwise function = read.next(names.get(direction * each + i));
        functions.add(i < CLIPPED ? read.clipped(function) : function);
      }
      all.add(List.copyOf(functions));
    }
    if (read.alpha.hasNext() || read.beta.hasNext()) {
      throw node.malformed(
          "activation_alpha %s and activation_beta %s hold more than activations %s take"
              .formatted(node.numbers("activation_alpha"), node.numbers("activation_beta"), names));
    }
    return all;
  }

  private static List<String> repeated(List<String> names, int times) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      all.addAll(names);
    }
    return all;
  }

  private Activation.Elementwise next(String name) {
    // Their case varies between exporters, and ONNX Runtime ignores it.
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "sigmoid" -> Activation.SIGMOID;
      case "tanh" -> Activation.TANH;
      case "relu" -> Activation.RELU;
      case "softsign" -> Activation.SOFTSIGN;
      case "softplus" -> Activation.LINEAR.then(Activation.Function.SOFTPLUS, 0, 0);
      case "affine" -> {
        float scale = next(alpha, 1);
        yield Activation.LINEAR.then(Activation.Function.AFFINE, scale, next(beta, 0));
      }
      case "leakyrelu" -> leakyRelu(next(alpha, 0.01f));
      case "thresholdedrelu" -> thresholdedRelu(next(alpha, 1));
      case "elu" -> elu(next(alpha, 1));
      case "hardsigmoid" -> {
        float scale = next(alpha, 0.2f);
        yield Activation.hardSigmoid(scale, next(beta, 0.5f));
      }
      case "scaledtanh" -> {
        float scale = required(alpha, "activation_alpha", name);
        yield Activation.scaledTanh(scale, required(beta, "activation_beta", name));
      }
      default ->
          throw node.unsupported(
              "activation %s is not supported; supported are %s".formatted(name, SUPPORTED));
    };
  }

  private Activation.Elementwise clipped(Activation.Elementwise function) {
    return clip.map(cut -> cut.then(function)).orElse(function);
  }

  private float required(Iterator<Float> constants, String attribute, String function) {
    if (!constants.hasNext()) {
      throw node.malformed(
          "activation %s has no constant in %s, and the standard gives it none"
              .formatted(function, attribute));
    }
    return constants.next();
  }

  private static float next(Iterator<Float> constants, float otherwise) {
    return constants.hasNext() ? constants.next() : otherwise;
  }

  static Activation.Elementwise leakyRelu(float alpha) {
    return Activation.LINEAR.then(Activation.Function.LEAK, alpha, 0);
  }

  static Activation.Elementwise thresholdedRelu(float alpha) {
    return Activation.LINEAR.then(Activation.Function.THRESHOLD, alpha, 0);
  }

  static Activation.Elementwise elu(float alpha) {
    return Activation.LINEAR.then(Activation.Function.ELU, alpha, 0);
  }
}

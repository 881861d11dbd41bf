package io.github.stillgate.core.model.format;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import java.util.List;
import java.util.Map;

/**
 * The fingerprint as it was before it was freed of the names in this code: a SHA-256 over texts
 * that Java made of classes, records and floats at the time, and over the tensors. Those texts are
 * written out here and must never follow a change of names, since snapshots of version 1 carry
 * these bits. A layer kind that is newer than them is in none of them.
 */
public final class FormerFingerprint {
  private static final String STANDARD_GRU =
      "Activations[update=Elementwise[steps=[Step[function=SIGMOID, a=0.0, b=0.0]]],"
          + " reset=Elementwise[steps=[Step[function=SIGMOID, a=0.0, b=0.0]]],"
          + " candidate=Elementwise[steps=[Step[function=TANH, a=0.0, b=0.0]]]]";

  private FormerFingerprint() {}

  /** The bits of these layers. */
  public static long of(List<Layer> layers) {
    Digest digest = new Digest();
    for (Layer layer : layers) {
      digest.text(kind(layer));
      for (Map.Entry<String, Matrix> tensor : layer.tensors().entrySet()) {
        if (!isOfEstimate(tensor.getKey())) {
          digest.matrix(tensor.getValue());
        }
      }
    }
    return digest.first64();
  }

  private static boolean isOfEstimate(String tensor) {
    return tensor.startsWith("estimate.") || tensor.contains(".estimate.");
  }

  private static String kind(Layer layer) {
    return switch (layer) {
      case ConditionalGru gru when ConditionalGruFormat.isStandard(gru) -> "ConditionalGru";
      case Embedding _ -> "Embedding";
      case Gru gru -> {
        String activations =
            "Activations[update=%s, reset=%s, candidate=%s]"
                .formatted(
                    text(gru.activations().update()),
                    text(gru.activations().reset()),
                    text(gru.activations().candidate()));
        yield "Gru"
            + (gru.reset() instanceof Reset.BeforeMatrix ? "BEFORE" : "")
            + (activations.equals(STANDARD_GRU) ? "" : activations);
      }
      case Lstm lstm ->
          "Lstm"
              + (lstm.f().isEmpty() ? "COUPLED" : "")
              + (lstm.peepholes().isPresent() ? "PEEPHOLES" : "")
              + (lstm.projection().isPresent() ? "PROJECTION" : "")
              + "Activations[gates=%s, cell=%s, hidden=%s]"
                  .formatted(
                      text(lstm.activations().gates()),
                      text(lstm.activations().cell()),
                      text(lstm.activations().hidden()));
      case SimpleRnn rnn -> "SimpleRnn" + text(rnn.activation());
      case Dense dense ->
          switch (dense.activation()) {
            case Activation.Softmax _ -> "DenseSOFTMAX";
            case Activation.Elementwise f -> "Dense" + (f.steps().isEmpty() ? "LINEAR" : text(f));
          };
      case Backward backward -> "Backward" + kind(backward.layer());
      case Bidirectional pair -> "Bidirectional" + kind(pair.forward()) + kind(pair.backward());
      // Kinds and forms that no snapshot of version 1 is of.
      default -> "newer " + LayerFormats.of(layer).type();
    };
  }

  private static String text(Activation.Elementwise function) {
    StringBuilder steps = new StringBuilder();
    for (Activation.Step step : function.steps()) {
      steps
          .append(steps.isEmpty() ? "" : ", ")
          .append("Step[function=")
          .append(text(step.function()))
          .append(", a=")
          .append(Float.toString(step.a()))
          .append(", b=")
          .append(Float.toString(step.b()))
          .append(']');
    }
    return "Elementwise[steps=[" + steps + "]]";
  }

  private static String text(Activation.Function function) {
    return switch (function) {
      case SIGMOID -> "SIGMOID";
      case TANH -> "TANH";
      case AFFINE -> "AFFINE";
      case CLAMP -> "CLAMP";
      case LEAK -> "LEAK";
      case THRESHOLD -> "THRESHOLD";
      case ELU -> "ELU";
      case SOFTSIGN -> "SOFTSIGN";
      // Functions that no snapshot of version 1 is of.
      case EXP, LOG, SQRT, POWER, RECIPROCAL, ABS, FLOOR, ERF, SOFTPLUS, GELU, SILU ->
          "newer " + ActivationFormat.name(function);
    };
  }
}

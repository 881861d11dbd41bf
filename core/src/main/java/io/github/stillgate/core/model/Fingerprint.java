package io.github.stillgate.core.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;

/** The first 64 bits of a SHA-256 over everything that decides what a model computes. */
final class Fingerprint {
  private Fingerprint() {}

  static long of(Model model) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
    for (Layer layer : model.layers()) {
      String kind = kind(layer);
      digest.update(kind.getBytes(StandardCharsets.UTF_8));
      for (Map.Entry<String, Matrix> tensor : layer.tensors().entrySet()) {
        if (isOfEstimate(tensor.getKey())) {
          continue;
        }
        Matrix m = tensor.getValue();
        float[] values = m.toArray();
        ByteBuffer bytes = ByteBuffer.allocate(8 + 4 * values.length);
        bytes.putInt(m.rows()).putInt(m.columns());
        bytes.asFloatBuffer().put(values);
        digest.update(bytes.array());
      }
    }
    return ByteBuffer.wrap(digest.digest()).getLong();
  }

  /** Like the epsilon it serves it is a way to run a network: snapshots are good without it. */
  private static boolean isOfEstimate(String tensor) {
    return tensor.startsWith(Gru.ESTIMATE) || tensor.contains("." + Gru.ESTIMATE);
  }

  /** What a layer's tensors do not tell. */
  private static String kind(Layer layer) {
    String type = layer.getClass().getSimpleName();
    return switch (layer) {
      case ConditionalGru _, Embedding _ -> type;
      case Gru gru -> {
        boolean before = gru.reset() instanceof Reset.BeforeMatrix;
        boolean standard = gru.activations().equals(Gru.Activations.STANDARD);
        yield type + (before ? "BEFORE" : "") + (standard ? "" : gru.activations());
      }
      case Lstm lstm ->
          type
              + (lstm.forget().isEmpty() ? "COUPLED" : "")
              + (lstm.peepholes().isPresent() ? "PEEPHOLES" : "")
              + (lstm.projection().isPresent() ? "PROJECTION" : "")
              + lstm.activations();
      case SimpleRnn rnn -> type + rnn.activation();
      case Dense dense ->
          switch (dense.activation()) {
            case Activation.Softmax _ -> type + "SOFTMAX";
            case Activation.Elementwise f -> type + (f.steps().isEmpty() ? "LINEAR" : f);
          };
      case Backward backward -> type + kind(backward.layer());
      case Bidirectional pair -> type + kind(pair.forward()) + kind(pair.backward());
    };
  }
}

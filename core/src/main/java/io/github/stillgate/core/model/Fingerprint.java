package io.github.stillgate.core.model;

import java.util.Map;

/**
 * The first 64 bits of a SHA-256 over everything that decides what a model computes: for each layer
 * the words that {@code docs/format.md} has for its kind, its tensors by their names there, and the
 * constants of its activations as bits. No name of a class, a record's component or a constant of
 * this code is in it, so none can change it; {@code FingerprintTest} pins one value per kind.
 *
 * <p>Every word and list is preceded by its length, so that no two models give the same bytes.
 */
final class Fingerprint {
  private final Digest digest = new Digest();

  private Fingerprint() {}

  static long of(Model model) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.word("stillgate 2");
    fingerprint.count(model.layers().size());
    model.layers().forEach(fingerprint::layer);
    return fingerprint.digest.first64();
  }

  private void layer(Layer layer) {
    switch (layer) {
      case ConditionalGru gru -> {
        word("conditional_gru");
        word(
            switch (gru.gating()) {
              case Gating.Full _ -> "full";
              case Gating.Unit _ -> "unit";
              case Gating.Block _ -> "block";
              case Gating.Hybrid _ -> "hybrid";
            });
        tensors(gru);
      }
      case Gru gru -> {
        word("gru");
        word(
            switch (gru.reset()) {
              case Reset.BeforeMatrix _ -> "before";
              case Reset.AfterMatrix after -> after.bh().isPresent() ? "reset_bias" : "after";
            });
        activation(gru.activations().update());
        activation(gru.activations().reset());
        activation(gru.activations().candidate());
        tensors(gru);
      }
      case Lstm lstm -> {
        word("lstm");
        word(lstm.f().isEmpty() ? "coupled_gates" : "");
        word(lstm.peepholes().isPresent() ? "peepholes" : "");
        word(lstm.projection().isPresent() ? "projection" : "");
        activation(lstm.activations().gates());
        activation(lstm.activations().cell());
        activation(lstm.activations().hidden());
        tensors(lstm);
      }
      case SimpleRnn rnn -> {
        word("simple_rnn");
        activation(rnn.activation());
        tensors(rnn);
      }
      case Embedding embedding -> {
        word("embedding");
        tensors(embedding);
      }
      case Dense dense -> {
        word("dense");
        activation(dense.activation());
        tensors(dense);
      }
      case Backward backward -> {
        word("backward");
        layer(backward.layer());
      }
      case Bidirectional pair -> {
        word("bidirectional");
        layer(pair.forward());
        layer(pair.backward());
      }
    }
  }

  private void activation(Activation activation) {
    switch (activation) {
      case Activation.Softmax _ -> word("softmax");
      case Activation.Elementwise function -> {
        word("steps");
        count(function.steps().size());
        for (Activation.Step step : function.steps()) {
          word(ActivationFormat.name(step.function()));
          count(Float.floatToRawIntBits(step.a()));
          count(Float.floatToRawIntBits(step.b()));
        }
      }
    }
  }

  /**
   * All but those of an estimate: like the epsilon it serves it is a way to run a network, and
   * snapshots are good without it.
   */
  private void tensors(Layer layer) {
    for (Map.Entry<String, Matrix> tensor : layer.tensors().entrySet()) {
      if (!tensor.getKey().startsWith(Gru.ESTIMATE)) {
        word(tensor.getKey());
        digest.matrix(tensor.getValue());
      }
    }
    word("");
  }

  private void word(String text) {
    digest.number(text.length()).text(text);
  }

  private void count(int value) {
    digest.number(value);
  }
}

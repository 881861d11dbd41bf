package io.github.stillgate.importers.onnx.generated;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Every attribute and every optional input of GRU, LSTM and RNN, alone and together. */
public final class RecurrentSpecs {
  private RecurrentSpecs() {}

  /** All of them. */
  public static List<RecurrentSpec> all() {
    List<RecurrentSpec> all = new ArrayList<>();
    for (String operator : List.of("GRU", "LSTM", "RNN")) {
      RecurrentSpec plain = RecurrentSpec.of(operator);
      all.add(plain.sized(40, 2, 19, 37).with("B"));
      all.add(plain.sized(1, 1, 1, 1).with("B"));
      all.add(plain.with("clip", 0.5f).with("B"));
      for (String direction : List.of("forward", "reverse", "bidirectional")) {
        RecurrentSpec directed = plain.with("direction", direction);
        all.add(directed);
        all.add(directed.with("B"));
        all.add(directed.with("layout", 0));
        all.add(directed.with("layout", 1));
        all.add(states(directed));
        all.add(directed.with("sequence_lens"));
        all.add(states(directed.with("layout", 1).with("B").with("sequence_lens")));
        all.add(states(directed.with("clip", 0.7f).with("B").with("sequence_lens")));
      }
    }
    gru().forEach(all::add);
    lstm().forEach(all::add);
    rnn().forEach(all::add);
    return List.copyOf(all);
  }

  private static RecurrentSpec states(RecurrentSpec spec) {
    RecurrentSpec started = spec.with("initial_h");
    return spec.operator().equals("LSTM") ? started.with("initial_c") : started;
  }

  private static Stream<RecurrentSpec> gru() {
    RecurrentSpec plain = RecurrentSpec.of("GRU").with("B");
    RecurrentSpec after = plain.with("linear_before_reset", 1);
    return Stream.of(
        plain.with("linear_before_reset", 0),
        after,
        after.with("clip", 0.4f),
        states(after.with("direction", "bidirectional").with("sequence_lens")),
        after.sized(40, 2, 19, 37),
        plain.with("activations", List.of("HardSigmoid", "Softsign")),
        plain.with("activations", List.of("Sigmoid", "Softplus")),
        plain
            .with("activations", List.of("HardSigmoid", "ScaledTanh"))
            .with("activation_alpha", List.of(0.3f, 0.9f))
            .with("activation_beta", List.of(0.4f, 1.1f)),
        plain.with("activations", List.of("Sigmoid", "Relu")),
        after.with("activations", List.of("Sigmoid", "Relu")),
        plain
            .with("activations", List.of("Sigmoid", "LeakyRelu"))
            .with("activation_alpha", List.of(0.2f)),
        plain
            .with("direction", "bidirectional")
            .with("activations", List.of("Sigmoid", "Elu", "HardSigmoid", "Tanh"))
            .with("activation_alpha", List.of(0.5f, 0.25f))
            .with("activation_beta", List.of(0.45f)));
  }

  private static Stream<RecurrentSpec> lstm() {
    RecurrentSpec plain = RecurrentSpec.of("LSTM").with("B");
    RecurrentSpec peepholes = plain.with("P");
    return Stream.of(
        peepholes,
        peepholes.with("clip", 0.6f),
        states(peepholes.with("direction", "bidirectional").with("sequence_lens")),
        plain.with("input_forget", 0),
        plain.with("input_forget", 1),
        peepholes.with("input_forget", 1),
        states(plain.with("direction", "bidirectional").with("input_forget", 1)),
        plain.with("activations", List.of("HardSigmoid", "Softsign", "Tanh")),
        plain.with("activations", List.of("Sigmoid", "Softplus", "Tanh")),
        plain
            .with("activations", List.of("HardSigmoid", "ScaledTanh", "ScaledTanh"))
            .with("activation_alpha", List.of(0.3f, 0.9f, 1.2f))
            .with("activation_beta", List.of(0.4f, 1.1f, 0.7f)),
        plain.with("activations", List.of("Sigmoid", "Relu", "Relu")),
        plain
            .with("activations", List.of("Sigmoid", "Tanh", "Affine"))
            .with("activation_alpha", List.of(0.5f))
            .with("activation_beta", List.of(0.1f)),
        plain
            .with("direction", "bidirectional")
            .with(
                "activations", List.of("Sigmoid", "Tanh", "Elu", "HardSigmoid", "Softsign", "Tanh"))
            .with("activation_alpha", List.of(0.5f, 0.25f))
            .with("activation_beta", List.of(0.45f)));
  }

  private static Stream<RecurrentSpec> rnn() {
    RecurrentSpec plain = RecurrentSpec.of("RNN").with("B");
    List<RecurrentSpec> all = new ArrayList<>();
    for (String name :
        List.of(
            "Sigmoid",
            "Tanh",
            "Relu",
            "Affine",
            "LeakyRelu",
            "ThresholdedRelu",
            "HardSigmoid",
            "Elu",
            "Softsign")) {
      all.add(plain.with("activations", List.of(name)));
    }
    for (String name : List.of("LeakyRelu", "ThresholdedRelu", "Elu")) {
      all.add(plain.with("activations", List.of(name)).with("activation_alpha", List.of(0.3f)));
    }
    for (String name : List.of("Affine", "ScaledTanh", "HardSigmoid")) {
      all.add(
          plain
              .with("activations", List.of(name))
              .with("activation_alpha", List.of(0.3f))
              .with("activation_beta", List.of(0.2f)));
    }
    all.add(plain.with("activations", List.of("Relu")).with("clip", 0.9f));
    all.add(
        plain
            .with("direction", "bidirectional")
            .with("activations", List.of("LeakyRelu", "HardSigmoid"))
            .with("activation_alpha", List.of(0.1f, 0.3f))
            .with("activation_beta", List.of(0.4f)));
    return all.stream();
  }
}

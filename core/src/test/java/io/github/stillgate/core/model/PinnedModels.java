package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One small network for each kind of layer, form of gating, reset and activation, with weights that
 * follow a rule, so that their fingerprints can be written down.
 */
final class PinnedModels {
  private PinnedModels() {}

  /** The networks by what they show. */
  static Map<String, Model> all() {
    Map<String, Model> models = new LinkedHashMap<>();
    Map<String, Layer> layers = new LinkedHashMap<>();
    layers.put("conditional_gru full", conditional("a", full(3, 4)));
    layers.put("conditional_gru unit", conditional("a", unit(3, 4, 2)));
    layers.put("conditional_gru block", conditional("a", block(3, 4, 2)));
    layers.put(
        "conditional_gru hybrid",
        conditional("a", new Gating.Hybrid(block(3, 4, 2), matrix(4, 2, 5), vector(4, 6))));
    Activation.Elementwise tanh = Activation.TANH;
    layers.put(
        "conditional_gru unit bottleneck",
        conditional("a", unit(3, 4, 2, tanh), ConditionalGru.Activations.STANDARD));
    ConditionalGru.Activations clipped =
        new ConditionalGru.Activations(Activation.hardSigmoid(0.2f, 0.5f), Activation.clip(2));
    layers.put("conditional_gru full activations", conditional("a", full(3, 4), clipped));
    layers.put("conditional_gru unit activations", conditional("a", unit(3, 4, 2, tanh), clipped));
    layers.put(
        "conditional_gru block activations",
        conditional("a", new Gating.Block(block(3, 4, 2).u(), block(3, 4, 2).bz(), tanh), clipped));
    Gru.Activations other =
        new Gru.Activations(
            Activation.hardSigmoid(0.2f, 0.5f), Activation.SIGMOID, Activation.clip(2));
    Reset bias = new Reset.AfterMatrix(Optional.of(vector(4, 7)));
    layers.put("gru", gru("a", Reset.AFTER, Gru.Activations.STANDARD));
    layers.put("gru reset_bias", gru("a", bias, Gru.Activations.STANDARD));
    layers.put("gru before", gru("a", Reset.BEFORE, Gru.Activations.STANDARD));
    layers.put("gru activations", gru("a", Reset.AFTER, other));
    layers.put("gru before activations", gru("a", Reset.BEFORE, other));
    layers.put(
        "gru estimate", gru("a", Reset.AFTER, Gru.Activations.STANDARD).withEstimate(guess()));
    Lstm.Activations standard = Lstm.Activations.STANDARD;
    layers.put("lstm", lstm("a", true, false, 4, standard));
    layers.put("lstm coupled_gates", lstm("a", false, false, 4, standard));
    layers.put("lstm peepholes", lstm("a", true, true, 4, standard));
    layers.put("lstm projection", lstm("a", true, false, 2, standard));
    layers.put("lstm all", lstm("a", false, true, 2, standard));
    layers.put(
        "lstm activations",
        lstm(
            "a",
            true,
            false,
            4,
            new Lstm.Activations(
                Activation.hardSigmoid(0.25f, 0.5f),
                Activation.scaledTanh(1.7159f, 0.6667f),
                Activation.SOFTSIGN)));
    Sru.Highway input = new Sru.Highway.FromInput(gate(4, true), 1);
    layers.put("sru", sru("a", 4, true, input, Activation.LINEAR));
    layers.put(
        "sru scale",
        sru("a", 4, true, new Sru.Highway.FromInput(gate(4, true), 1.5f), Activation.LINEAR));
    layers.put("sru tanh", sru("a", 4, true, input, Activation.TANH));
    layers.put(
        "sru matrix",
        sru(
            "a",
            3,
            true,
            new Sru.Highway.FromMatrix(gate(3, true), matrix(4, 3, 21)),
            Activation.LINEAR));
    layers.put(
        "sru none", sru("a", 3, true, new Sru.Highway.GateOnly(gate(3, true)), Activation.LINEAR));
    layers.put("sru no reset_gate", sru("a", 3, true, new Sru.Highway.None(), Activation.LINEAR));
    layers.put(
        "sru not recurrent",
        sru("a", 4, false, new Sru.Highway.FromInput(gate(4, false), 1), Activation.LINEAR));
    layers.put(
        "simple_rnn",
        new SimpleRnn("a", matrix(4, 3, 1), matrix(4, 4, 2), vector(4, 3), Activation.TANH));
    layers.put(
        "simple_rnn clip relu",
        new SimpleRnn(
            "a",
            matrix(4, 3, 1),
            matrix(4, 4, 2),
            vector(4, 3),
            Activation.clip(1e-10f).then(Activation.RELU)));
    layers.put("embedding", new Embedding("a", matrix(5, 3, 1)));
    Activation.NAMED.forEach((name, f) -> layers.put("dense " + name, dense("a", f)));
    layers.put("dense affine", dense("a", step(Activation.Function.AFFINE, 1234567f, -0f)));
    layers.put("dense clamp", dense("a", step(Activation.Function.CLAMP, -0.1f, 3e38f)));
    layers.put("dense leak", dense("a", step(Activation.Function.LEAK, 0.01f, 0)));
    layers.put("dense threshold", dense("a", step(Activation.Function.THRESHOLD, 1e-45f, 0)));
    layers.put("dense elu", dense("a", step(Activation.Function.ELU, 1, 0)));
    layers.put(
        "conditional_dense",
        new ConditionalDense(
            "a",
            new ConditionalDense.Estimate(matrix(2, 3, 4), matrix(4, 2, 5), vector(4, 6)),
            matrix(4, 3, 1),
            vector(4, 2)));
    layers.put("backward", new Backward(gru("a", bias, Gru.Activations.STANDARD)));
    layers.put(
        "bidirectional",
        new Bidirectional(
            "a",
            gru("f", Reset.AFTER, Gru.Activations.STANDARD).withEstimate(guess()),
            lstm("b", true, false, 4, standard)));
    layers.put("index_map", new IndexMap("a", List.of(3), 2, -1, 0, 0));
    Activation.Elementwise functions = Activation.LINEAR;
    for (Activation.Function function : Activation.Function.values()) {
      if (function.compareTo(Activation.Function.SILU) <= 0) {
        functions = functions.then(function, 0.5f, 1.5f);
      }
    }
    layers.put("elementwise", new Elementwise("a", 3, functions));
    layers.put("weighted_sum", new WeightedSum("a", 6, matrix(1, 3, 1), vector(3, 2), tanh));
    layers.put("positions", new Positions("a", 2, 2, matrix(4, 3, 1), vector(4, 2), tanh));
    for (Reduction.Kind kind : Reduction.Kind.values()) {
      layers.put(
          "reduction " + kind.name().toLowerCase(Locale.ROOT), new Reduction("a", 2, 3, kind));
    }
    layers.put("along", new Along(gru("a", bias, Gru.Activations.STANDARD), 3));
    layers.put("per_position", new PerPosition(gru("a", bias, Gru.Activations.STANDARD), 3));
    layers.put("softmax", new Softmax("a", 2, 3));
    layers.put("normalise", new Normalise("a", 2, 3, 1e-5f));
    layers.forEach((name, layer) -> models.put(name, new Model(List.of(layer))));
    models.put(
        "graph matrix_product",
        new Model(
            Graph.builder()
                .input("x", 6)
                .node(new MatrixProduct("a", 2, 3, 2), "x", "x")
                .output("a")
                .build()));
    for (Combine.Kind kind : Combine.Kind.values()) {
      models.put(
          "graph combine " + kind.name().toLowerCase(Locale.ROOT),
          new Model(
              Graph.builder()
                  .input("x", 3)
                  .node(new Combine("a", 3, kind), "x", "x")
                  .output("a")
                  .build()));
    }
    models.put("graph", graph("h", Optional.empty(), "o"));
    models.put("graph initial", graph("h", Optional.of(vector(4, 3)), "o"));
    models.put("graph next", graph("o", Optional.empty(), "o"));
    models.put("graph output", graph("h", Optional.empty(), "h"));
    models.put(
        "three layers",
        new Model(
            List.of(
                new Embedding("e", matrix(5, 3, 1)),
                conditional("g", unit(3, 4, 2)),
                dense("o", Activation.SOFTMAX))));
    return models;
  }

  /** A constant, a state, two inputs, and layers that read several values. */
  private static Model graph(String next, Optional<Matrix> initial, String output) {
    return new Model(
        new Graph(
            List.of(new Graph.Value("x", 2), new Graph.Value("y", 1)),
            List.of(new Graph.State("s", 4, initial, next)),
            List.of(
                new Graph.Node(IndexMap.concat("xy", 2, 1), List.of("x", "y")),
                new Graph.Node(gru("h", Reset.AFTER, Gru.Activations.STANDARD), List.of("xy")),
                new Graph.Node(new Constant("k", vector(4, 9)), List.of()),
                new Graph.Node(new Combine("m", 4, Combine.Kind.MULTIPLY), List.of("s", "k")),
                new Graph.Node(new Combine("o", 4, Combine.Kind.ADD), List.of("h", "m"))),
            output.equals("o") ? List.of("o") : List.of(output, "o")));
  }

  private static Activation step(Activation.Function function, float a, float b) {
    return Activation.LINEAR.then(function, a, b);
  }

  private static Gating.Full full(int d, int n) {
    return new Gating.Full(new Sums(matrix(n, d, 1), matrix(n, n, 2), vector(n, 3)));
  }

  private static Gating.Unit unit(int d, int n, int g) {
    return unit(d, n, g, Activation.RELU);
  }

  private static Gating.Unit unit(int d, int n, int g, Activation.Elementwise f) {
    return new Gating.Unit(
        new Sums(matrix(g, d, 1), matrix(g, n, 2), vector(g, 3)), matrix(n, g, 4), vector(n, 5), f);
  }

  private static Gating.Block block(int d, int n, int g) {
    return new Gating.Block(new Sums(matrix(g, d, 1), matrix(g, n, 2), vector(g, 3)), vector(g, 4));
  }

  private static ConditionalGru conditional(String name, Gating gating) {
    return conditional(name, gating, ConditionalGru.Activations.STANDARD);
  }

  private static ConditionalGru conditional(
      String name, Gating gating, ConditionalGru.Activations activations) {
    return ConditionalGru.named(name)
        .gating(gating)
        .reset(new Sums(matrix(4, 3, 11), matrix(4, 4, 12), vector(4, 13)))
        .candidate(new Sums(matrix(4, 3, 14), matrix(4, 4, 15), vector(4, 16)))
        .activations(activations)
        .build();
  }

  private static Gru gru(String name, Reset reset, Gru.Activations activations) {
    return Gru.named(name)
        .update(new Sums(matrix(4, 3, 1), matrix(4, 4, 2), vector(4, 3)))
        .reset(new Sums(matrix(4, 3, 4), matrix(4, 4, 5), vector(4, 6)))
        .candidate(new Sums(matrix(4, 3, 7), matrix(4, 4, 8), vector(4, 9)))
        .resetPosition(reset)
        .activations(activations)
        .build();
  }

  private static GateEstimate guess() {
    return new GateEstimate(matrix(1, 3, 1), matrix(1, 4, 2), matrix(4, 1, 3), 0.5f);
  }

  private static Lstm lstm(
      String name, boolean forget, boolean peepholes, int outputs, Lstm.Activations activations) {
    Lstm.Builder lstm =
        Lstm.named(name)
            .input(sums(1, outputs))
            .output(sums(7, outputs))
            .cell(sums(10, outputs))
            .coupledGates()
            .activations(activations);
    if (forget) {
      lstm.forget(sums(4, outputs));
    }
    if (peepholes) {
      lstm.peepholes(
          Lstm.Peepholes.toInput(vector(4, 1)).toForget(vector(4, 2)).toOutput(vector(4, 3)));
    }
    if (outputs != 4) {
      lstm.projection(matrix(outputs, 4, 13));
    }
    return lstm.build();
  }

  private static Sums sums(int seed, int outputs) {
    return new Sums(matrix(4, 3, seed), matrix(4, outputs, seed + 1), vector(4, seed + 2));
  }

  private static Sru sru(
      String name,
      int inputs,
      boolean recurrent,
      Sru.Highway highway,
      Activation.Elementwise activation) {
    Optional<Matrix> v = recurrent ? Optional.of(vector(4, 3)) : Optional.empty();
    return new Sru(
        name,
        matrix(4, inputs, 1),
        new Sru.Gate(matrix(4, inputs, 2), v, vector(4, 4)),
        highway,
        activation);
  }

  private static Sru.Gate gate(int inputs, boolean recurrent) {
    return new Sru.Gate(
        matrix(4, inputs, 5),
        recurrent ? Optional.of(vector(4, 6)) : Optional.empty(),
        vector(4, 7));
  }

  private static Dense dense(String name, Activation activation) {
    return new Dense(name, matrix(3, 4, 1), vector(3, 2), activation);
  }

  private static Matrix matrix(int rows, int columns, int seed) {
    return Matrix.of("w", rows, columns, values(rows * columns, seed));
  }

  private static Matrix vector(int length, int seed) {
    return Matrix.vector("v", values(length, seed));
  }

  /** Multiples of an eighth from -1 to 1, zeros of both signs among them. */
  private static float[] values(int length, int seed) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (i * 5 + seed * 3) % 17 / 8f - 1;
      if (values[i] == 0 && i % 2 == 1) {
        values[i] = -0f;
      }
    }
    return values;
  }
}

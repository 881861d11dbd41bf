package io.github.stillgate.contract;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.model.WeightedSum;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;

/** Small random networks of awkward sizes. */
public final class TestModels {
  private final Random random;

  private TestModels(long seed) {
    this.random = new Random(seed);
  }

  /** Two conditional layers of {@code units} units behind {@code tokens} tokens, and a softmax. */
  public static Model conditional(int tokens, int units, int rank, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.conditionalGru("rnn0", tokens, units, rank),
            m.conditionalGru("rnn1", units, units + 3, rank + 1),
            m.dense("out", units + 3, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  /** Two conditional layers with full gating, and a softmax. */
  public static Model full(int tokens, int units, long seed) {
    TestModels m = new TestModels(seed);
    return m.gated(tokens, units, inputs -> m.fullGating(inputs, units));
  }

  /** Two conditional layers with block gating, and a softmax. */
  public static Model block(int tokens, int blocks, int blockUnits, long seed) {
    TestModels m = new TestModels(seed);
    int units = blocks * blockUnits;
    return m.gated(tokens, units, inputs -> m.blockGating(inputs, blocks, units));
  }

  /** Two conditional layers with hybrid gating, and a softmax. */
  public static Model hybrid(int tokens, int blocks, int blockUnits, long seed) {
    TestModels m = new TestModels(seed);
    int units = blocks * blockUnits;
    return m.gated(
        tokens,
        units,
        inputs ->
            new Gating.Hybrid(
                m.blockGating(inputs, blocks, units),
                m.matrix("V", units, blocks, 2),
                m.vector("e", units, 0.5)));
  }

  /**
   * Conditional layers with each gating and other functions than the paper's, some of which are not
   * 0 at 0, so that padding is not either, and one of which reaches beyond 1; and a softmax.
   */
  public static Model activations(int tokens, int blocks, int blockUnits, long seed) {
    TestModels m = new TestModels(seed);
    int units = blocks * blockUnits;
    Activation.Elementwise leak = Activation.LINEAR.then(Activation.Function.LEAK, 0.1f, 0);
    Activation.Elementwise elu = Activation.LINEAR.then(Activation.Function.ELU, 1, 0);
    return new Model(
        List.of(
            m.with(
                m.conditionalGru(
                    "rnn0", tokens, units, m.unitGating(tokens, 5, units, Activation.SIGMOID)),
                Activation.hardSigmoid(0.2f, 0.5f),
                Activation.scaledTanh(1.7159f, 0.6667f)),
            m.with(
                m.conditionalGru("rnn1", units, units, m.blockGating(units, blocks, units, leak)),
                Activation.SIGMOID,
                Activation.SOFTSIGN),
            m.with(
                m.conditionalGru(
                    "rnn2",
                    units,
                    units,
                    new Gating.Hybrid(
                        m.blockGating(units, blocks, units, elu),
                        m.matrix("V", units, blocks, 2),
                        m.vector("e", units, 0.5))),
                Activation.clip(2),
                Activation.LINEAR
                    .then(Activation.Function.AFFINE, 0.7f, 0.1f)
                    .then(Activation.clip(1.5f))),
            m.with(
                m.conditionalGru("rnn3", units, units, m.fullGating(units, units)),
                Activation.TANH,
                Activation.clip(1).then(Activation.RELU)),
            m.dense("out", units, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  private ConditionalGru with(
      ConditionalGru l, Activation.Elementwise reset, Activation.Elementwise candidate) {
    return ConditionalGru.named(l.name())
        .gating(l.gating())
        .reset(l.r())
        .candidate(l.c())
        .activations(new ConditionalGru.Activations(reset, candidate))
        .build();
  }

  private Gating.Full fullGating(int inputs, int units) {
    return new Gating.Full(
        new Sums(
            matrix("Wz", units, inputs, 1),
            matrix("Uz", units, units, 1),
            vector("bz", units, 0.5)));
  }

  private Gating.Unit unitGating(int inputs, int rank, int units, Activation.Elementwise f) {
    return new Gating.Unit(
        new Sums(
            matrix("Wu", rank, inputs, 1.5),
            matrix("Uu", rank, units, 1.5),
            vector("bu", rank, 0.5)),
        matrix("Wz", units, rank, 1),
        vector("bz", units, 0.5),
        f);
  }

  private Gating.Block blockGating(int inputs, int blocks, int units) {
    return blockGating(inputs, blocks, units, Activation.RELU);
  }

  private Gating.Block blockGating(int inputs, int blocks, int units, Activation.Elementwise f) {
    return new Gating.Block(
        new Sums(
            matrix("Wu", blocks, inputs, 1.5),
            matrix("Uu", blocks, units, 1.5),
            vector("bu", blocks, 0.7)),
        vector("bz", blocks, 0.5),
        f);
  }

  private Model gated(int tokens, int units, IntFunction<Gating> gating) {
    return new Model(
        List.of(
            conditionalGru("rnn0", tokens, units, gating.apply(tokens)),
            conditionalGru("rnn1", units, units, gating.apply(units)),
            dense("out", units, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  /** A GRU of {@code units} units behind {@code tokens} tokens, and a linear layer. */
  public static Model gru(int tokens, int units, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(m.gru("rnn0", tokens, units), m.dense("out", units, tokens, Activation.LINEAR)),
        vocabulary(tokens));
  }

  /** Two GRUs, the second with a bias in the reset product, whose gates have rough estimates. */
  public static Model estimated(int tokens, int units, int rank, float correction, long seed) {
    TestModels m = new TestModels(seed);
    Reset bias = new Reset.AfterMatrix(Optional.of(m.vector("bh", units, 0.5)));
    return new Model(
        List.of(
            m.gru("rnn0", tokens, units).withEstimate(m.estimate(tokens, units, rank, correction)),
            m.with(m.gru("rnn1", units, units), bias, Gru.Activations.STANDARD)
                .withEstimate(m.estimate(units, units, rank + 1, correction)),
            m.dense("out", units, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  private GateEstimate estimate(int inputs, int units, int rank, float correction) {
    return new GateEstimate(
        matrix("estimate.W", rank, inputs, 1.5),
        matrix("estimate.U", rank, units, 1.5),
        matrix("estimate.V", units, rank, 1),
        correction);
  }

  /** A GRU with the reset before the matrix behind an embedding, and a dense layer with relu. */
  public static Model resetBefore(int tokens, int units, long seed) {
    TestModels m = new TestModels(seed);
    Gru gru = m.gru("rnn0", 13, units);
    return new Model(
        List.of(
            new Embedding("table", m.matrix("E", tokens, 13, 3)),
            m.with(gru, Reset.BEFORE, Gru.Activations.STANDARD),
            m.dense("out", units, tokens, Activation.RELU)));
  }

  /** The GRU of PyTorch, with a second bias, and one with other activations and a clip. */
  public static Model resetBias(int tokens, int units, long seed) {
    TestModels m = new TestModels(seed);
    Reset bias = new Reset.AfterMatrix(Optional.of(m.vector("bh", units, 0.5)));
    Gru.Activations clipped =
        new Gru.Activations(
            Activation.clip(2).then(Activation.hardSigmoid(-0.2f, 0.5f)),
            Activation.clip(2).then(Activation.SIGMOID),
            Activation.clip(2).then(Activation.scaledTanh(0.8f, 0.7f)));
    return new Model(
        List.of(
            m.with(m.gru("rnn0", tokens, units), bias, Gru.Activations.STANDARD),
            m.with(m.gru("rnn1", units, units), bias, clipped),
            m.dense("out", units, tokens, Activation.SIGMOID)),
        vocabulary(tokens));
  }

  private Gru with(Gru g, Reset reset, Gru.Activations activations) {
    return g.toBuilder().resetPosition(reset).activations(activations).build();
  }

  /** An LSTM, and a second one with peepholes and a projection. */
  public static Model lstm(int tokens, int cells, int projection, long seed) {
    TestModels m = new TestModels(seed);
    Lstm.Peepholes peepholes =
        Lstm.Peepholes.toInput(m.vector("pi", cells, 0.5))
            .toForget(m.vector("pf", cells, 0.5))
            .toOutput(m.vector("po", cells, 0.5));
    return new Model(
        List.of(
            m.lstm("rnn0", tokens, cells, cells, true, Optional.empty()),
            m.lstm("rnn1", cells, cells, projection, true, Optional.of(peepholes)),
            m.dense("out", projection, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  /**
   * An LSTM with a projection that reads tokens, and a layer whose activation is not 0 at 0, so
   * that padding is not either.
   */
  public static Model projectedFirst(int tokens, int cells, int projection, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.lstm("rnn0", tokens, cells, projection, true, Optional.empty()),
            new SimpleRnn(
                "rnn1",
                m.matrix("W", tokens, projection, 1),
                m.matrix("U", tokens, tokens, 1),
                m.vector("b", tokens, 0.3),
                Activation.SIGMOID)),
        vocabulary(tokens));
  }

  /** An LSTM whose gates are coupled, and a layer without gates. */
  public static Model coupled(int tokens, int cells, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.lstm("rnn0", tokens, cells, cells, false, Optional.empty()),
            new SimpleRnn(
                "rnn1",
                m.matrix("W", tokens, cells, 1),
                m.matrix("U", tokens, tokens, 1),
                m.vector("b", tokens, 0.3),
                Activation.clip(3).then(Activation.RELU))),
        vocabulary(tokens));
  }

  /** Both directions of a GRU, of an LSTM and of a conditional GRU, and a linear layer. */
  public static Model bidirectional(int inputs, int units, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            new Bidirectional(
                "first", m.gru("forward", inputs, units), m.gru("backward", inputs, units + 3)),
            new Bidirectional(
                "second",
                m.lstm("forward", 2 * units + 3, units, units, true, Optional.empty()),
                m.conditionalGru("backward", 2 * units + 3, units, 5)),
            new Backward(m.gru("third", 2 * units, 2 * units)),
            m.dense("out", 2 * units, 4, Activation.TANH)));
  }

  /** SRU layers with each highway, some whose gates do not see the cells, behind tokens. */
  public static Model sru(int tokens, int units, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.sru("rnn0", tokens, units, true, Skip.MATRIX, Activation.TANH),
            m.sru("rnn1", units, units, true, Skip.INPUT, Activation.LINEAR),
            m.sru("rnn2", units, units, false, Skip.SCALED_INPUT, Activation.RELU),
            m.sru("rnn3", units, units + 5, true, Skip.GATE_ONLY, SELU),
            m.sru("rnn4", units + 5, units, true, Skip.NONE, Activation.LINEAR),
            m.sru("rnn5", units, units + 1, false, Skip.NONE, Activation.TANH),
            m.dense("out", units + 1, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  /** SRU layers whose first has a highway that carries the token itself. */
  public static Model sruOfTokens(int tokens, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.sru("rnn0", tokens, tokens, true, Skip.SCALED_INPUT, Activation.TANH),
            m.sru("rnn1", tokens, tokens, false, Skip.INPUT, Activation.LINEAR)),
        vocabulary(tokens));
  }

  /** Both directions of SRU layers, and one from the end. */
  public static Model sruDirections(int inputs, int units, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            new Bidirectional(
                "first",
                m.sru("forward", inputs, units, true, Skip.MATRIX, Activation.TANH),
                m.sru("backward", inputs, units + 3, true, Skip.MATRIX, Activation.TANH)),
            new Backward(
                m.sru(
                    "second",
                    2 * units + 3,
                    2 * units + 3,
                    true,
                    Skip.SCALED_INPUT,
                    Activation.LINEAR)),
            m.dense("out", 2 * units + 3, 4, Activation.TANH)));
  }

  private static final Activation.Elementwise SELU =
      Activation.LINEAR
          .then(Activation.Function.ELU, 1.6732632f, 0)
          .then(Activation.Function.AFFINE, 1.050701f, 0);

  private enum Skip {
    INPUT,
    SCALED_INPUT,
    MATRIX,
    GATE_ONLY,
    NONE
  }

  private Sru sru(
      String name,
      int inputs,
      int units,
      boolean recurrent,
      Skip skip,
      Activation.Elementwise activation) {
    Matrix candidate = matrix("W", units, inputs, 1);
    Sru.Gate forget = sruGate("f", inputs, units, recurrent);
    Sru.Gate reset = sruGate("r", inputs, units, recurrent);
    return new Sru(
        name,
        candidate,
        forget,
        switch (skip) {
          case INPUT -> new Sru.Highway.FromInput(reset, 1);
          case SCALED_INPUT -> new Sru.Highway.FromInput(reset, 1.7320508f);
          case MATRIX -> new Sru.Highway.FromMatrix(reset, matrix("Wh", units, inputs, 1));
          case GATE_ONLY -> new Sru.Highway.GateOnly(reset);
          case NONE -> new Sru.Highway.None();
        },
        activation);
  }

  private Sru.Gate sruGate(String name, int inputs, int units, boolean recurrent) {
    return new Sru.Gate(
        matrix("W" + name, units, inputs, 1),
        recurrent ? Optional.of(vector("v" + name, units, 1)) : Optional.empty(),
        vector("b" + name, units, 0.3));
  }

  private Lstm lstm(
      String name,
      int inputs,
      int cells,
      int outputs,
      boolean forget,
      Optional<Lstm.Peepholes> peepholes) {
    Lstm.Builder lstm = Lstm.named(name).input(lstmSums(inputs, cells, outputs)).coupledGates();
    if (forget) {
      lstm.forget(lstmSums(inputs, cells, outputs));
    }
    lstm.output(lstmSums(inputs, cells, outputs)).cell(lstmSums(inputs, cells, outputs));
    peepholes.ifPresent(lstm::peepholes);
    if (outputs != cells) {
      lstm.projection(matrix("Wp", outputs, cells, 1));
    }
    return lstm.build();
  }

  private Sums lstmSums(int inputs, int cells, int outputs) {
    return new Sums(
        matrix("W", cells, inputs, 1), matrix("U", cells, outputs, 1), vector("b", cells, 0.3));
  }

  /** Estimated dense layers that read a token and a GRU's state, and a softmax. */
  public static Model conditionalDense(int tokens, int units, int rank, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.conditionalDense("hidden0", tokens, units, rank),
            m.gru("rnn", units, units - 2),
            m.conditionalDense("hidden1", units - 2, units + 3, rank + 1),
            m.dense("out", units + 3, tokens, Activation.SOFTMAX)),
        vocabulary(tokens));
  }

  /** Two estimated dense layers that read vectors, and a linear one; none keeps a state. */
  public static Model estimatedReluNet(int inputs, int units, int rank, int outputs, long seed) {
    TestModels m = new TestModels(seed);
    return new Model(
        List.of(
            m.conditionalDense("hidden0", inputs, units, rank),
            m.conditionalDense("hidden1", units, units + 5, rank + 2),
            m.dense("out", units + 5, outputs, Activation.LINEAR)));
  }

  private ConditionalDense conditionalDense(String name, int inputs, int units, int rank) {
    return new ConditionalDense(
        name,
        new ConditionalDense.Estimate(
            matrix("V", rank, inputs, 1.5), matrix("U", units, rank, 1), vector("e", units, 0.5)),
        matrix("W", units, inputs, 2),
        vector("b", units, 0.3));
  }

  /** A conditional layer, a GRU and a linear layer that read vectors. */
  public static Model vectors(int inputs, int units, int outputs, long seed) {
    TestModels m = new TestModels(seed);
    List<Layer> layers = new ArrayList<>();
    layers.add(m.conditionalGru("a", inputs, units, 5));
    layers.add(m.gru("b", units, units + 9));
    layers.add(m.dense("c", units + 9, outputs, Activation.LINEAR));
    return new Model(layers);
  }

  /**
   * A graph of every kind of layer made for graphs around a GRU: reads "x" and "more", gives "h"
   * and "y", and replaces the states "kept" and "last".
   */
  public static Graph graph(int inputs, int units, long seed) {
    TestModels m = new TestModels(seed);
    Graph.Builder graph =
        Graph.builder()
            .input("x", inputs)
            .input("more", units)
            .state("last", m.vector("last", units, 1), "h")
            .state("kept", inputs, "x")
            .node(IndexMap.concat("both", inputs, inputs), "kept", "x")
            .node(m.dense("in", 2 * inputs, units, Activation.LINEAR), "both")
            .node(m.gru("gru", units, units), "in")
            .node(Constant.of("slopes", m.vector("slopes", units, 1).toArray()));
    Activation.Elementwise functions = Activation.LINEAR;
    for (Activation.Function function : Activation.Function.values()) {
      functions = functions.then(function, 0.5f, 1.5f);
    }
    graph.node(new Elementwise("functions", units, functions), "last");
    String before = "gru";
    for (Combine.Kind kind : Combine.Kind.values()) {
      String name = kind.name().toLowerCase(Locale.ROOT);
      String with = kind.ordinal() % 2 == 0 ? "slopes" : "more";
      graph.node(new Combine(name, units, kind), before, with);
      graph.node(new Elementwise(name + "_tanh", units, Activation.TANH), name);
      before = name + "_tanh";
    }
    Matrix squares = m.matrix("W", 3, units, 1);
    return graph
        .node(
            new WeightedSum("taps", units, squares, m.vector("b", units, 1), Activation.RELU),
            before,
            "functions",
            "last")
        .node(
            new Positions(
                "positions",
                units,
                1,
                m.matrix("W", 3, 1, 1),
                m.vector("b", 3, 1),
                Activation.TANH),
            "taps")
        .node(
            new Positions(
                "wide",
                3,
                1,
                m.matrix("W", units, units, 1),
                m.vector("b", units, 1),
                Activation.SIGMOID),
            "positions")
        .node(
            new Along(
                new Bidirectional("axis", m.gru("f", units, 7), m.gru("b", units, units - 7)), 3),
            "wide")
        .node(
            new PerPosition(m.lstm("each", units, units, units, true, Optional.empty()), 3), "axis")
        .node(new Normalise("normal", 3, units, 1e-5f), "each")
        .node(new Softmax("shares", 3, units), "normal")
        .node(new MatrixProduct("mixed", 3, units, 3), "shares", "wide")
        .node(new Reduction("sums", 3, 3, Reduction.Kind.MEAN), "mixed")
        .node(new Reduction("largest", units, 3, Reduction.Kind.MAXIMUM), "positions")
        .node(IndexMap.of("spread", 3, units, i -> i % 3), "sums")
        .node(new Combine("around", units, Combine.Kind.SUBTRACT), "largest", "spread")
        .node(new Combine("h", units, Combine.Kind.ADD), "around", "functions")
        .node(IndexMap.of("picked", units, inputs, i -> (7 * i + 3) % units), "h")
        .node(m.dense("y", inputs, inputs, Activation.SOFTMAX), "picked")
        .output("h")
        .output("y")
        .build();
  }

  private static Vocabulary vocabulary(int tokens) {
    StringBuilder characters = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      characters.appendCodePoint('a' + i);
    }
    return new Vocabulary(characters.toString());
  }

  private ConditionalGru conditionalGru(String name, int inputs, int units, int rank) {
    return conditionalGru(name, inputs, units, unitGating(inputs, rank, units, Activation.RELU));
  }

  private ConditionalGru conditionalGru(String name, int inputs, int units, Gating gating) {
    return ConditionalGru.named(name)
        .gating(gating)
        .reset(
            new Sums(
                matrix("Wr", units, inputs, 1),
                matrix("Ur", units, units, 1),
                vector("br", units, 0.3)))
        .candidate(
            new Sums(
                matrix("Wc", units, inputs, 1),
                matrix("Uc", units, units, 1),
                vector("bc", units, 0.3)))
        .build();
  }

  private Gru gru(String name, int inputs, int units) {
    return Gru.named(name)
        .update(
            new Sums(
                matrix("Wz", units, inputs, 1),
                matrix("Uz", units, units, 1),
                vector("bz", units, 0.3)))
        .reset(
            new Sums(
                matrix("Wr", units, inputs, 1),
                matrix("Ur", units, units, 1),
                vector("br", units, 0.3)))
        .candidate(
            new Sums(
                matrix("Wc", units, inputs, 1),
                matrix("Uc", units, units, 1),
                vector("bc", units, 0.3)))
        .build();
  }

  private Dense dense(String name, int inputs, int outputs, Activation activation) {
    return new Dense(name, matrix("W", outputs, inputs, 2), vector("b", outputs, 0.3), activation);
  }

  /** Rows of about unit norm times {@code scale}, so that gates open and close. */
  private Matrix matrix(String name, int rows, int columns, double scale) {
    float[] values = new float[rows * columns];
    double deviation = scale / Math.sqrt(Math.min(columns, 40));
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Matrix vector(String name, int length, double scale) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return Matrix.vector(name, values);
  }
}

package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GraphTest extends ModelFiles {
  private static Graph.Builder start() {
    return Graph.builder().input("x", 3);
  }

  private static Combine sum(String name) {
    return new Combine(name, 3, Combine.Kind.ADD);
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        Arguments.of(Graph.builder().node(Constant.of("a", 1)).output("a"), "at least one input"),
        Arguments.of(start().output("x"), "at least one node"),
        Arguments.of(start().node(sum("a"), "x", "x"), "at least one output"),
        Arguments.of(
            start().input("x", 2).node(sum("a"), "x", "x").output("a"), "two values are named x"),
        Arguments.of(start().node(sum("x"), "x", "x").output("x"), "two values are named x"),
        Arguments.of(start().input(" ", 2).node(sum("a"), "x", "x").output("a"), "name is blank"),
        Arguments.of(
            start().input("y", 0).node(sum("a"), "x", "x").output("a"),
            "value y has a width of 0; expected at least 1"),
        Arguments.of(
            start().node(sum("a"), "x").output("a"), "layer a reads 2 values, given are [x]"),
        Arguments.of(
            start().node(sum("a"), "x", "z").output("a"),
            "layer a reads z, which is no value of the graph"),
        Arguments.of(
            start().node(sum("a"), "x", "b").node(sum("b"), "a", "x").output("b"),
            "layer a reads b, which is made after it; put it behind, or where they read each other"
                + " let one read a state that becomes the other"),
        Arguments.of(
            start().input("y", 2).node(sum("a"), "x", "y").output("a"),
            "layer a reads 3 values, but y has 2"),
        Arguments.of(
            start().state("s", 2, "a").node(sum("a"), "x", "x").output("s"),
            "state s reads 2 values, but a has 3"),
        Arguments.of(
            start().state("s", 3, "b").node(sum("a"), "x", "s").output("a"),
            "state s reads b, which is no value of the graph"),
        Arguments.of(
            start().node(sum("a"), "x", "x").output("b"),
            "an output reads b, which is no value of the graph"),
        Arguments.of(
            start().node(sum("a"), "x", "x").output("a").output("a"),
            "value a is given as an output twice"),
        Arguments.of(
            start().node(sum("a"), "x", "x").node(sum("b"), "x", "x").output("b"),
            "nobody reads layer a, and it is no output; leave it out"),
        Arguments.of(
            start().state("s", 3, "a").node(sum("a"), "x", "x").output("a"),
            "nobody reads state s, and it is no output; leave it out"),
        Arguments.of(
            start().input("y", Graph.MAX_VALUES).node(sum("a"), "x", "x").output("a"),
            "the graph has more than 16777216 values at y"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatIsNotSoundIsRefusedByName(Graph.Builder graph, String message) {
    assertThatIllegalArgumentException().isThrownBy(graph::build).withMessageContaining(message);
  }

  @Test
  void aGraphHasFewNodes() {
    Graph.Builder graph = start();
    String before = "x";
    for (int i = 0; i <= Model.MAX_LAYERS; i++) {
      graph.node(sum("n" + i), before, before);
      before = "n" + i;
    }
    graph.output(before);
    assertThatIllegalArgumentException()
        .isThrownBy(graph::build)
        .withMessageContaining("a graph of 4097 nodes; at most 4096 are taken");
  }

  private static Gru gru(String name) {
    Gru gru = (Gru) TestModels.gru(3, 3, 1).layers().getFirst();
    return Gru.named(name).update(gru.z()).reset(gru.r()).candidate(gru.c()).build();
  }

  static Stream<Arguments> refusedByModels() {
    Layer gru = gru("rnn0");
    return Stream.of(
        Arguments.of(
            start().node(new Backward(gru), "x").node(sum("a"), "rnn0", "x").output("a"),
            "layer rnn0 reads its input from the end, but a graph runs step by step"),
        Arguments.of(
            start()
                .node(sum("a"), "x", "x")
                .node(new Embedding("e", Matrix.of("E", 3, 2, new float[6])), "a")
                .output("e"),
            "layer e is an embedding, which reads tokens and so an input, not a"),
        Arguments.of(
            start().state("rnn0.h", 3, "rnn0").node(gru, "rnn0.h").output("rnn0"),
            "state rnn0.h could be one of layer rnn0, whose names begin so; rename it"),
        Arguments.of(
            start().state("s", 3, "s.b").node(sum("s.b"), "x", "s").output("s.b"),
            "layer s.b could have a tensor of state s, whose names begin so; rename it"),
        Arguments.of(
            start().node(new PerPosition(gru, 1), "x").node(gru("rnn0.0"), "rnn0").output("rnn0.0"),
            "layer rnn0.0 could be a position of rnn0, whose states' names begin so; rename it"),
        Arguments.of(
            start().state("proof.s", 3, "a").node(sum("a"), "x", "proof.s").output("a"),
            "state proof.s: this name is taken by the proof"),
        Arguments.of(
            start().node(sum("proof.s"), "x", "x").output("proof.s"),
            "layer proof.s: this name is taken by the proof"));
  }

  @ParameterizedTest
  @MethodSource("refusedByModels")
  void whatNoModelIsMadeOfIsRefusedByName(Graph.Builder graph, String message) {
    Graph sound = graph.build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(sound))
        .withMessageContaining(message);
  }

  @Test
  void onlyRecurrentLayersRunAtPositions() {
    Dense dense = (Dense) TestModels.gru(3, 3, 1).layers().getLast();
    String message = "layer out: only a GRU, an LSTM, an SRU or a simple RNN runs at positions";
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Along(dense, 2))
        .withMessageContaining(message);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PerPosition(dense, 2))
        .withMessageContaining(message);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PerPosition(new Backward(gru("a")), 2))
        .withMessageContaining("layer a: only a GRU");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Along(gru("a"), 0))
        .withMessageContaining("layer a: a matrix of 0 x 3");
  }

  @Test
  void aListOfLayersTakesNoneThatReadsSeveral() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(List.of(sum("a"))))
        .withMessageContaining("layer a reads 2 vectors")
        .withMessageContaining("make a Graph");
  }

  @Test
  void aChainHasAGraph() {
    Model chain = TestModels.vectors(4, 7, 5, 1);
    Graph graph = chain.graph();
    assertThat(graph.inputs()).containsExactly(new Graph.Value("input", 4));
    assertThat(graph.values()).containsExactly("input", "a", "b", "c");
    assertThat(graph.outputs()).containsExactly("c");
    assertThat(graph.isChain()).isTrue();
    Model again = new Model(graph);
    assertThat(again.hasNamedValues()).isFalse();
    assertThat(again.fingerprint()).isEqualTo(chain.fingerprint());
    assertThat(new Model(List.of(new Elementwise("input", 2, Activation.RELU))).graph().values())
        .containsExactly("input_", "input");
  }

  @Test
  void aChainIsWrittenAsVersion1AndAGraphAsVersion2() throws IOException {
    Path path = directory.resolve("graph.safetensors");
    Model chain = TestModels.vectors(4, 7, 5, 1);
    chain.save(path);
    byte[] bytes = Files.readAllBytes(path);
    new Model(chain.graph()).save(path);
    assertThat(Files.readAllBytes(path)).isEqualTo(bytes);
    assertThat(descriptionOf(path)).startsWith("{\"version\":1,");

    Model graph = new Model(TestModels.graph(5, 9, 1));
    graph.save(path);
    assertThat(descriptionOf(path)).startsWith("{\"version\":2,");
    Model read = Model.load(path);
    assertThat(read.graph()).isEqualTo(graph.graph());
    assertThat(read.fingerprint()).isEqualTo(graph.fingerprint());
    assertThat(read.inputs()).isEqualTo(5);
    assertThat(read.outputs()).isEqualTo(9);
    bytes = Files.readAllBytes(path);
    read.save(path);
    assertThat(Files.readAllBytes(path)).isEqualTo(bytes);
  }

  @Test
  void namesAreNoPartOfTheFingerprintAndTheStructureIs() {
    Graph one = start().node(sum("a"), "x", "x").node(sum("b"), "a", "x").output("b").build();
    Graph other =
        Graph.builder()
            .input("in", 3)
            .node(sum("c"), "in", "in")
            .node(sum("d"), "c", "in")
            .output("d")
            .build();
    Graph swapped = start().node(sum("a"), "x", "x").node(sum("b"), "x", "a").output("b").build();
    long fingerprint = new Model(one).fingerprint();
    assertThat(new Model(other).fingerprint()).isEqualTo(fingerprint);
    assertThat(new Model(swapped).fingerprint()).isNotEqualTo(fingerprint);
  }

  private static final String GRAPH =
      """
      {"version":2,"inputs":[{"name":"x","width":3}],
       "states":[{"name":"s","width":3,"next":"a","initial":true}],
       "nodes":[{"reads":["x","s"],"layer":{"type":"combine","name":"a","units":3,"operation":"add"}},
        {"reads":["a"],"layer":{"type":"index_map","name":"m","inputs":[3],"units":4,
         "index":[[-1,0,1],[2,-1,3]]}},
        {"reads":[],"layer":{"type":"constant","name":"k","units":4}},
        {"reads":["m","k"],"layer":{"type":"combine","name":"y","units":4,"operation":"maximum"}}],
       "outputs":["y"]}
      """;

  private static final Map<String, Stored> TENSORS =
      Map.of(
          "s.initial",
          new Stored(new int[] {3}, new float[] {1, 2, 3}),
          "k.values",
          new Stored(new int[] {4}, new float[] {4, 5, 6, 7}));

  @Test
  void aDescriptionOfVersion2SaysWhatReadsWhat() throws IOException {
    Model model = Model.load(write(GRAPH, TENSORS));
    Graph graph = model.graph();
    assertThat(graph.values()).containsExactly("x", "s", "a", "m", "k", "y");
    assertThat(graph.states().getFirst().initial().orElseThrow().toArray())
        .containsExactly(1, 2, 3);
    IndexMap map = (IndexMap) model.layers().get(1);
    assertThat(IntStream.range(0, 4).map(map::at)).containsExactly(-1, 2, 1, 0);
    assertThat(model.parameters()).isEqualTo(4);
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        Arguments.of("\"version\":2", "\"version\":3", "format version 3 is not known"),
        Arguments.of("\"version\":2", "\"version\":1", "unknown fields [inputs, nodes, outputs"),
        Arguments.of(",\"width\":3}]", "}]", "an input: missing fields [width]"),
        Arguments.of("\"width\":3}]", "\"width\":0}]", "expected a whole number from 1 on"),
        Arguments.of("\"next\":\"a\"", "\"next\":7", "\"next\" of state s is not a string"),
        Arguments.of("\"initial\":true", "\"initial\":1", "state s: \"initial\" is 1"),
        Arguments.of(
            "\"initial\":true", "\"initial\":false", "no layer uses the tensors [s.initial]"),
        Arguments.of("\"reads\":[\"x\",\"s\"]", "\"reads\":[\"x\",7]", "a name in \"reads\""),
        Arguments.of("\"reads\":[\"x\",\"s\"]", "\"reads\":\"x\"", "\"reads\" is not an array"),
        Arguments.of(
            "\"reads\":[\"x\",\"s\"]", "\"read\":[\"x\"]", "a node: missing fields [reads]"),
        Arguments.of("\"operation\":\"add\"", "\"operation\":\"plus\"", "\"plus\" is not known"),
        Arguments.of("[2,-1,3]", "[2,-1,4]", "is no run of positions that fits behind 1 of 4"),
        Arguments.of(
            "[2,-1,3]", "[2,-1,2]", "\"index\" has 3 positions, the description makes it 4"),
        Arguments.of("[2,-1,3]", "[2,-2,3]", "gives the position -2"),
        Arguments.of("[2,-1,3]", "[2,1,3]", "value 2 is taken from position 3; it reads 3 values"),
        Arguments.of("[2,-1,3]", "[2,-1]", "is no run of positions; expected [first, step, count]"),
        Arguments.of("[2,-1,3]", "2", "is no run of positions; expected [first, step, count]"),
        Arguments.of("[2,-1,3]", "[2,2147483647,3]", "gives the position"),
        Arguments.of("\"inputs\":[3]", "\"inputs\":3", "\"inputs\" is not an array"),
        Arguments.of("\"inputs\":[3]", "\"inputs\":[0]", "a width of 0"),
        Arguments.of(
            "\"units\":4,\n   \"index\"",
            "\"units\":2147483647,\n   \"index\"",
            "a width of 2147483647; expected 1 to 16777216"),
        Arguments.of("\"name\":\"k\",\"units\":4", "\"name\":\"k\",\"units\":3", "tensor k.values"),
        Arguments.of("\"outputs\":[\"y\"]", "\"outputs\":[\"z\"]", "no value of the graph"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void aWrongDescriptionIsRefusedByName(String right, String wrong, String message)
      throws IOException {
    assertThat(GRAPH).contains(right);
    Path path = write(GRAPH.replace(right, wrong), TENSORS);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(path))
        .withMessageContaining(message);
  }

  @Test
  void constantsAndStatesLieWithinTheLimit() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Constant.of("k", 1, 0x1p60f))
        .withMessageContaining("layer k: a constant of magnitude 1.15");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> start().state("s", Matrix.vector("s", 0, 1e30f), "s"))
        .withMessageContaining("state s begins with a magnitude of 1.0");
  }

  @Test
  void mapsAreComposed() {
    IndexMap first = new IndexMap("first", List.of(2, 3), 4, -1, 0, 2);
    IndexMap second = new IndexMap("second", List.of(1, 4, 2), 0, 1, 2, 3, 4, 5, 6, -1);
    IndexMap both = second.after(1, first);
    assertThat(both.name()).isEqualTo("second");
    assertThat(both.inputWidths()).containsExactly(1, 2, 3, 2);
    assertThat(IntStream.range(0, 8).map(both::at)).containsExactly(0, 5, -1, 1, 3, 6, 7, -1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> second.after(0, first))
        .withMessageContaining("layer second reads 1 values as vector 0, first gives 4");
    assertThat(IntStream.range(0, 3).map(IndexMap.slice("s", 9, 4, 7)::at))
        .containsExactly(4, 5, 6);
  }

  @Test
  void thereAreOnlySoManyPositions() {
    Layer rnn = TestModels.gru(1, 1, 2).layers().getFirst();
    for (int positions : new int[] {Operation.MAX_POSITIONS + 1, Integer.MAX_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new PerPosition(rnn, positions))
          .withMessageContaining(positions + " positions and groups; at most 65536 are taken");
      assertThatIllegalArgumentException().isThrownBy(() -> new Along(rnn, positions));
    }
    assertThat(new PerPosition(rnn, Operation.MAX_POSITIONS).outputs())
        .isEqualTo(Operation.MAX_POSITIONS);
    Matrix w = Matrix.of("W", 2, 1, 1, 2);
    Matrix b = Matrix.vector("b", 0, 0);
    int half = Operation.MAX_POSITIONS / 2;
    assertThat(new Positions("p", half, 2, w, b, Activation.LINEAR).outputs())
        .isEqualTo(Operation.MAX_POSITIONS);
    for (int positions : new int[] {half + 1, Integer.MAX_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Positions("p", positions, 2, w, b, Activation.LINEAR))
          .withMessageContaining(2L * positions + " positions and groups; at most 65536 are taken");
    }
  }

  /** A layer at positions begins in what the layer in it begins in. */
  @Test
  void positionsBeginWhereTheirLayerDoes() {
    Layer gru = TestModels.gru(2, 3, 4).layers().getFirst();
    InitialState begin = InitialState.ofHidden(Matrix.vector("h", 0.5f, -0.25f, 0));
    for (AtPositions layer : List.of(new Along(gru, 2), new PerPosition(gru, 2))) {
      assertThat(layer.initialState().isZero()).isTrue();
      AtPositions begun = layer.withInitialState(begin);
      assertThat(begun.initialState()).isEqualTo(begin);
      assertThat(begun.layer()).isEqualTo(gru.withInitialState(begin));
      assertThat(begun).hasSameClassAs(layer);
      assertThat(begun.positions()).isEqualTo(2);
      assertThat(new Model(List.of(begun)).fingerprint())
          .isNotEqualTo(new Model(List.of(layer)).fingerprint());
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> layer.withInitialState(InitialState.ofHidden(Matrix.vector("h", new float[6]))))
          .withMessageContaining("h");
    }
  }
}

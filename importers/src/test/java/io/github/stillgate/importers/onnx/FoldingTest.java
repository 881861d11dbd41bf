package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is known of values before anything runs; all numbers are written out. */
class FoldingTest {
  private static final int INT64 = TensorProto.DataType.INT64_VALUE;

  private static Graph graph(OnnxGraph graph, int opset) {
    return Graph.parse(Path.of("net.onnx"), graph.model(opset).toByteArray());
  }

  private static Folding fold(OnnxGraph graph) {
    return graph(graph, 18).folding();
  }

  private static float[] floats(Folding folding, String name) {
    return folding.computed("", name).orElseThrow().floats();
  }

  private static long[] longs(Folding folding, String name) {
    return folding.computed("", name).orElseThrow().integers();
  }

  private static String shape(Folding folding, String name) {
    return folding.shape(name).map(String::valueOf).orElse("nothing");
  }

  /** [[0, 1, 2], [3, 4, 5]] called m, and some numbers. */
  private static OnnxGraph matrix() {
    return new OnnxGraph()
        .constant(OnnxGraph.tensor("m", new long[] {2, 3}, 0, 1, 2, 3, 4, 5))
        .constant(OnnxGraph.longs("zero", 0))
        .constant(OnnxGraph.longs("one", 1))
        .constant(OnnxGraph.longs("two", 2))
        .constant(OnnxGraph.longs("end", Long.MAX_VALUE))
        .constant(OnnxGraph.longs("last", -1))
        .constant(OnnxGraph.number("third", 2));
  }

  @Test
  void movesOfConstants() {
    OnnxGraph graph =
        matrix()
            .node("Slice", "columns", "m", "one", "end", "one")
            .node("Slice", "row", "m", "last", "end", "zero")
            .constant(OnnxGraph.longs("down", -9))
            .node("Slice", "backwards", "m", "last", "down", "one", "last")
            .node("Gather", List.of("m", "third"), List.of("column"), Map.of("axis", 1))
            .constant(OnnxGraph.longs("both", -1, 0))
            .node("Gather", List.of("m", "both"), List.of("rows"), Map.of("axis", 0))
            .node("Concat", List.of("m", "columns"), List.of("wide"), Map.of("axis", 1))
            .node("Concat", List.of("row", "m"), List.of("high"), Map.of("axis", 0))
            .node("Transpose", "turned", "m")
            .node("Unsqueeze", "deep", "m", "one")
            .node("Squeeze", "flat", "row", "zero")
            .node("Reshape", "line", "turned", "last")
            .constant(OnnxGraph.longs("sizes", 0, 1, -1))
            .node("Reshape", "kept", "m", "sizes")
            .constant(OnnxGraph.longs("parts", 1, 2))
            .node("Split", List.of("m", "parts"), List.of("s0", "s1"), Map.of("axis", 1))
            .constant(OnnxGraph.longs("three", 2, 2, 3))
            .node("Expand", "expanded", "row", "three")
            .constant(OnnxGraph.longs("repeats", 1, 2))
            .node("Tile", "tiled", "row", "repeats")
            .node("Flatten", "flattened", "deep")
            .node("Identity", "same", "column");
    Folding folding = fold(graph);
    assertThat(floats(folding, "columns")).containsExactly(1, 2, 4, 5);
    assertThat(floats(folding, "row")).containsExactly(3, 4, 5);
    assertThat(floats(folding, "backwards")).containsExactly(2, 1, 0, 5, 4, 3);
    assertThat(floats(folding, "column")).containsExactly(2, 5);
    assertThat(shape(folding, "column")).isEqualTo("[2]");
    assertThat(floats(folding, "rows")).containsExactly(3, 4, 5, 0, 1, 2);
    assertThat(floats(folding, "wide")).containsExactly(0, 1, 2, 1, 2, 3, 4, 5, 4, 5);
    assertThat(floats(folding, "high")).containsExactly(3, 4, 5, 0, 1, 2, 3, 4, 5);
    assertThat(floats(folding, "turned")).containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(shape(folding, "deep")).isEqualTo("[2, 1, 3]");
    assertThat(shape(folding, "flat")).isEqualTo("[3]");
    assertThat(floats(folding, "line")).containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(shape(folding, "kept")).isEqualTo("[2, 1, 3]");
    assertThat(floats(folding, "s0")).containsExactly(0, 3);
    assertThat(floats(folding, "s1")).containsExactly(1, 2, 4, 5);
    assertThat(floats(folding, "expanded")).containsExactly(3, 4, 5, 3, 4, 5, 3, 4, 5, 3, 4, 5);
    assertThat(floats(folding, "tiled")).containsExactly(3, 4, 5, 3, 4, 5);
    assertThat(shape(folding, "flattened")).isEqualTo("[2, 3]");
    assertThat(floats(folding, "same")).containsExactly(2, 5);
  }

  /** What later sets read as inputs were attributes. */
  @Test
  void oldSpellings() {
    OnnxGraph graph =
        matrix()
            .node(
                "Slice",
                List.of("m"),
                List.of("s"),
                Map.of("starts", List.of(0, -2), "ends", List.of(1, 9), "axes", List.of(0, 1)))
            .node("Unsqueeze", List.of("s"), List.of("u"), Map.of("axes", List.of(0, 3)))
            .node("Squeeze", List.of("u"), List.of("q"), Map.of("axes", List.of(-1, 0)))
            .node("Reshape", List.of("m"), List.of("r"), Map.of("shape", List.of(3, -1)))
            .node(
                "Split",
                List.of("m"),
                List.of("a", "b"),
                Map.of("axis", 1, "split", List.of(2, 1)));
    Folding folding = graph(graph, 9).folding();
    assertThat(floats(folding, "s")).containsExactly(1, 2);
    assertThat(shape(folding, "u")).isEqualTo("[1, 1, 2, 1]");
    assertThat(shape(folding, "q")).isEqualTo("[1, 2]");
    assertThat(shape(folding, "r")).isEqualTo("[3, 2]");
    assertThat(floats(folding, "b")).containsExactly(2, 5);
  }

  @Test
  void arithmeticOfConstants() {
    OnnxGraph graph =
        matrix()
            .constant(OnnxGraph.tensor("f", new long[] {3}, 1, 2, 4))
            .constant(OnnxGraph.longs("i", 7, -7))
            .constant(OnnxGraph.longs("by", 2))
            .node("Add", "sum", "m", "f")
            .node("Sub", "difference", "f", "m")
            .node("Mul", "product", "m", "f")
            .node("Div", "quotient", "m", "f")
            .node("Sqrt", "root", "f")
            .node("Neg", "negative", "f")
            .node("Div", "half", "i", "by")
            .node("Mod", "rest", "i", "by")
            .node("Min", "least", "f", "root")
            .node("Max", "most", "i", "by")
            .node("Cast", List.of("quotient"), List.of("cut"), Map.of("to", INT64))
            .node("Floor", "floor", "negative")
            .node("Equal", "is", "i", "by")
            .node("Less", "less", "i", "by")
            .node("Where", "chosen", "less", "i", "by")
            .node("Not", "not", "less");
    Folding folding = fold(graph);
    assertThat(floats(folding, "sum")).containsExactly(1, 3, 6, 4, 6, 9);
    assertThat(floats(folding, "difference")).containsExactly(1, 1, 2, -2, -2, -1);
    assertThat(floats(folding, "product")).containsExactly(0, 2, 8, 3, 8, 20);
    assertThat(floats(folding, "quotient")).containsExactly(0, 0.5f, 0.5f, 3, 2, 1.25f);
    assertThat(floats(folding, "root")).containsExactly(1, 1.4142135f, 2);
    assertThat(longs(folding, "half")).containsExactly(3, -3);
    assertThat(longs(folding, "rest")).containsExactly(1, 1);
    assertThat(floats(folding, "least")).containsExactly(1, 1.4142135f, 2);
    assertThat(longs(folding, "most")).containsExactly(7, 2);
    assertThat(longs(folding, "cut")).containsExactly(0, 0, 0, 3, 2, 1);
    assertThat(floats(folding, "floor")).containsExactly(-1, -2, -4);
    assertThat(longs(folding, "is")).containsExactly(0, 0);
    assertThat(longs(folding, "less")).containsExactly(0, 1);
    assertThat(longs(folding, "chosen")).containsExactly(2, -7);
    assertThat(longs(folding, "not")).containsExactly(1, 0);
  }

  @Test
  void numbersFromNothing() {
    OnnxGraph graph =
        matrix()
            .constant(OnnxGraph.number("a", 7))
            .constant(OnnxGraph.number("b", 1))
            .constant(OnnxGraph.number("c", -2))
            .node("Range", "range", "a", "b", "c")
            .node(
                "ConstantOfShape",
                List.of("two"),
                List.of("filled"),
                Map.of("value", OnnxGraph.tensor("", new long[] {1}, 0.5f)))
            .node("Shape", List.of("m"), List.of("end_of_shape"), Map.of("start", -1))
            .node("Size", "size", "m");
    Folding folding = fold(graph);
    assertThat(longs(folding, "range")).containsExactly(7, 5, 3);
    assertThat(floats(folding, "filled")).containsExactly(0.5f, 0.5f);
    assertThat(longs(folding, "end_of_shape")).containsExactly(3);
    assertThat(longs(folding, "size")).containsExactly(6);
  }

  @Test
  void weightsOfWholeNumbers() {
    TensorProto q =
        TensorProto.newBuilder()
            .setName("q")
            .setDataType(TensorProto.DataType.UINT8_VALUE)
            .addAllDims(List.of(2L, 2L))
            .setRawData(ByteString.copyFrom(new byte[] {0, 10, (byte) 200, (byte) 255}))
            .build();
    TensorProto zero =
        q.toBuilder()
            .setName("z")
            .clearDims()
            .addDims(2)
            .setRawData(ByteString.copyFrom(new byte[] {10, 100}))
            .build();
    OnnxGraph graph =
        new OnnxGraph()
            .constant(q)
            .constant(zero)
            .constant(OnnxGraph.tensor("scale", new long[] {2}, 0.5f, 2))
            .node(
                "DequantizeLinear", List.of("q", "scale", "z"), List.of("rows"), Map.of("axis", 0))
            .node("DequantizeLinear", "columns", "q", "scale", "z");
    Folding folding = fold(graph);
    assertThat(floats(folding, "rows")).containsExactly(-5, 0, 200, 310);
    assertThat(floats(folding, "columns")).containsExactly(-5, -180, 95, 310);
  }

  @Test
  void sizesThatAreOpen() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", -1, -2, 6)
            .constant(OnnxGraph.number("first", 0))
            .constant(OnnxGraph.longs("zero", 0))
            .constant(OnnxGraph.longs("four", 4))
            .constant(OnnxGraph.longs("last", -1))
            .constant(OnnxGraph.tensor("nought", new long[0], 0))
            .node("Shape", "shape", "x")
            .node("Gather", "batch", "shape", "first")
            .node("Unsqueeze", "batches", "batch", "zero")
            .node("Concat", List.of("four", "batches"), List.of("sizes"), Map.of("axis", 0))
            .node("ConstantOfShape", "zeros", "sizes")
            .node("Slice", "part", "zeros", "zero", "four", "zero")
            .node("Transpose", "turned", "zeros")
            .node("Cast", List.of("turned"), List.of("cast"), Map.of("to", 1))
            .node("Expand", "expanded", "nought", "sizes")
            .node("Concat", List.of("expanded", "zeros"), List.of("joined"), Map.of("axis", 0))
            .node("Mul", "double", "batches", "four")
            .node("Concat", List.of("double", "last"), List.of("other"), Map.of("axis", 0))
            .node("Reshape", "reshaped", "x", "other")
            .node("Add", "more", "batches", "four")
            .node("Equal", "never", "batches", "last");
    Folding folding = fold(graph);
    assertThat(shape(folding, "zeros")).isEqualTo("[4, ?]");
    for (String zero : List.of("zeros", "part", "cast", "expanded", "joined")) {
      assertThat(folding.isZero(zero)).as(zero).isTrue();
    }
    assertThat(shape(folding, "cast")).isEqualTo("[?, 4]");
    assertThat(shape(folding, "joined")).isEqualTo("[8, ?]");
    Extent batch = Extent.ofInput("x", 0);
    assertThat(folding.extents("double"))
        .isEqualTo(Optional.of(List.of(new Extent(4, batch.open()))));
    // 4 b rows of x, which has b s 6 elements.
    assertThat(folding.shape("reshaped")).isEmpty();
    assertThat(folding.extents("more")).isEmpty();
    assertThat(longs(folding, "never")).containsExactly(0);
    assertThat(folding.computed("", "double")).isEmpty();
  }

  @Test
  void productsOfSizes() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", -1, -2, 6)
            .constant(OnnxGraph.longs("rows", 0, -1))
            .constant(OnnxGraph.longs("back", -1, 3))
            .node("Reshape", "flat", "x", "rows")
            .node("Reshape", "thin", "flat", "back");
    Folding folding = fold(graph);
    Extent batch = Extent.ofInput("x", 0);
    Extent steps = Extent.ofInput("x", 1);
    assertThat(folding.shape("flat"))
        .contains(List.of(batch, steps.times(Extent.of(6)).orElseThrow()));
    assertThat(folding.shape("thin"))
        .contains(
            List.of(
                batch.times(steps).orElseThrow().times(Extent.of(2)).orElseThrow(), Extent.of(3)));
  }

  @Test
  void shapesOfWhatARunComputes() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", -1, 2, 6)
            .constant(OnnxGraph.tensor("W", new long[] {1, 12, 6}, new float[72]))
            .constant(OnnxGraph.tensor("R", new long[] {1, 12, 4}, new float[48]))
            .constant(OnnxGraph.tensor("M", new long[] {4, 7}, new float[28]))
            .node("GRU", List.of("x", "W", "R"), List.of("y", "h"), Map.of("hidden_size", 4))
            .node("MatMul", "product", "y", "M")
            .node("Relu", "relu", "product")
            .node("Shape", "sizes", "relu")
            .constant(OnnxGraph.longs("axis", -1))
            .node("ReduceMean", "mean", "relu", "axis")
            .node("Mystery", "unknown", "x")
            .node("GRU", List.of("unknown", "W", "R"), List.of("", "g"), Map.of("hidden_size", 4))
            .constant(OnnxGraph.tensor("nought", new long[0], 0))
            .node("Add", "same", "nought", "g");
    Folding folding = fold(graph);
    assertThat(shape(folding, "y")).isEqualTo("[?, 1, 2, 4]");
    assertThat(shape(folding, "h")).isEqualTo("[1, 2, 4]");
    assertThat(folding.extents("sizes").map(String::valueOf)).contains("[?, 1, 2, 7]");
    assertThat(shape(folding, "mean")).isEqualTo("[?, 1, 2, 1]");
    assertThat(shape(folding, "same")).isEqualTo("[1, ?, 4]");
  }

  @Test
  void whatCannotBeKnownStaysAndSaysWhy() {
    OnnxGraph graph =
        matrix()
            .constant(OnnxGraph.longs("large", Long.MAX_VALUE))
            .constant(OnnxGraph.longs("huge", 1 << 20, 1 << 20))
            .constant(OnnxGraph.longs("nought", 0))
            .node("Add", "overflow", "large", "one")
            .node("Expand", "far", "third", "huge")
            .node("Tile", "tiles", "m", "huge")
            .node("Div", "division", "one", "nought")
            .constant(OnnxGraph.number("seven", 7))
            .node("Gather", "outside", "m", "seven")
            .node("Concat", List.of("m", "one"), List.of("unlike"), Map.of("axis", 0))
            .node("Mystery", "mystery", "m");
    Folding folding = fold(graph);
    for (String value :
        List.of("overflow", "far", "tiles", "division", "outside", "unlike", "mystery")) {
      assertThat(folding.computed("", value)).as(value).isEmpty();
    }
    assertThat(folding.problem("overflow")).contains("overflow");
    assertThat(folding.problem("tiles")).contains("more than 8388608 values are computed");
    assertThat(folding.problem("outside")).isEqualTo("axis 7 of 2 dimensions");
    assertThat(folding.problem("mystery")).isEmpty();
  }

  /** A value that doubles forty times, and a size multiplied by itself as often. */
  @Test
  void whatWouldGrowWithoutEnd() {
    OnnxGraph graph = matrix().input("x", -1, 3).node("Shape", "shape", "x");
    graph.node("Slice", "s0", "shape", "zero", "one").node("Identity", "c0", "m");
    for (int i = 0; i < 40; i++) {
      String c = "c" + i;
      graph.node("Concat", List.of(c, c), List.of("c" + (i + 1)), Map.of("axis", 0));
      graph.node("Mul", "s" + (i + 1), "s" + i, "s" + i);
    }
    Allocation allocation = new Allocation();
    Folding folding = fold(graph);
    assertThat(allocation.bytes()).isLessThan(200L << 20);
    assertThat(folding.computed("", "c4")).isPresent();
    assertThat(folding.computed("", "c40")).isEmpty();
    assertThat(folding.extents("s3")).isPresent();
    assertThat(folding.extents("s40")).isEmpty();
  }

  /** Nothing is allocated of what is too large, and positions that nobody asks for are not made. */
  @Test
  void whatIsTooLargeIsNotAllocated() {
    OnnxGraph graph =
        matrix()
            .input("long", 1, Integer.MAX_VALUE, 3)
            .constant(OnnxGraph.longs("rows", 2, 1 << 20))
            .constant(OnnxGraph.tensor("pair", new long[] {2, 1}, 3, 4))
            .node("Expand", "wide", "pair", "rows")
            .node("Concat", Collections.nCopies(1024, "wide"), List.of("joined"), Map.of("axis", 1))
            .node("Slice", "cut", "long", "one", "end", "one");
    Allocation allocation = new Allocation();
    Folding folding = fold(graph);
    assertThat(allocation.bytes()).isLessThan(200L << 20);
    assertThat(folding.computed("", "joined")).isEmpty();
    assertThat(folding.problem("cut")).isEmpty();
    assertThat(folding.shape("cut").map(List::toString)).hasValue("[1, 2147483646, 3]");
  }

  private static OnnxGraph branch(String operator, String output) {
    return new OnnxGraph()
        .constant(OnnxGraph.tensor("k", new long[] {1}, 2))
        .node(operator, "inner", "m", "k")
        .node("Identity", output, "inner")
        .output(output);
  }

  @Test
  void theBranchOfAKnownConditionIsTaken() {
    OnnxGraph graph =
        matrix()
            .typedInput("sr", INT64)
            .constant(OnnxGraph.number("rate", 16_000))
            // The same names outside and in both branches.
            .constant(OnnxGraph.tensor("k", new long[] {1}, 9))
            .node("Equal", "is", "sr", "rate")
            .choice("z", "is", branch("Add", "left"), branch("Mul", "right"))
            .node("Sub", "out", "z", "k");
    Graph open = graph(graph, 18);
    assertThat(open.nodes()).extracting(GraphNode::operator).containsExactly("Equal", "If", "Sub");
    assertThat(open.folding().computed("", "out")).isEmpty();
    Graph yes = fixed(open, "16000");
    assertThat(floats(yes.folding(), "out")).containsExactly(-7, -6, -5, -4, -3, -2);
    assertThat(yes.nodes())
        .extracting(GraphNode::operator)
        .containsExactly("Equal", "Add", "Identity", "Identity", "Sub");
    assertThat(yes.nodes()).extracting(GraphNode::name).doesNotHaveDuplicates();
    assertThat(floats(fixed(open, "8000").folding(), "out")).containsExactly(-9, -7, -5, -3, -1, 1);
    assertThatThrownBy(() -> fixed(open, "fast"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"fast\" for the input \"sr\" of type INT64 is no such number");
    assertThatThrownBy(() -> FixedInput.of(open, "rate", "1"))
        .hasMessageContaining("no input of the graph is called \"rate\"; it has [sr]");
    assertThatThrownBy(() -> FixedInput.of(open, "sr", "1,2"))
        .hasMessageContaining("2 numbers for the input \"sr\"");
  }

  private static Graph fixed(Graph graph, String rate) {
    return graph.fix(Map.of("sr", FixedInput.of(graph, "sr", rate)));
  }

  @Test
  void branchesWithinBranches() {
    OnnxGraph inner =
        new OnnxGraph()
            .node("Shape", "sizes", "m")
            .constant(OnnxGraph.number("at", 0))
            .constant(OnnxGraph.number("two", 2))
            .node("Gather", "rows", "sizes", "at")
            .node("Equal", "is", "rows", "two")
            .choice("deep", "is", branch("Add", "left"), branch("Mul", "right"))
            .node("Neg", "shown", "deep")
            .output("shown");
    OnnxGraph graph =
        matrix()
            .constant(OnnxGraph.longs("yes", 1))
            .node("Cast", List.of("yes"), List.of("true"), Map.of("to", 9))
            .choice("z", "true", inner, branch("Mul", "no"));
    assertThat(floats(fold(graph), "z")).containsExactly(-2, -3, -4, -5, -6, -7);
  }

  /** Reading one part of what was joined is reading that part. */
  @Test
  void onePartOfAConcat() {
    OnnxGraph graph =
        matrix()
            .input("a", 1, 4)
            .input("b", 2, 4)
            .constant(OnnxGraph.number("k", -2))
            .node("Concat", List.of("a", "b"), List.of("both"), Map.of("axis", 0))
            .node("Gather", List.of("both", "k"), List.of("row"), Map.of("axis", 0));
    Graph read = graph(graph, 18);
    GraphNode gather = read.nodes().getLast();
    assertThat(gather.input(0)).isEqualTo("b");
    assertThat(longs(read.folding(), gather.input(1))).containsExactly(0);
  }

  @Test
  void addingZerosDoesNothing() {
    OnnxGraph graph =
        matrix()
            .input("x", -1, 4)
            .typedInput("sr", INT64)
            .constant(OnnxGraph.number("no", 0))
            .node("Mul", "nothing", "sr", "no")
            .node("Cast", List.of("nothing"), List.of("zero_f"), Map.of("to", 1))
            .node("Add", "same", "x", "zero_f")
            .constant(OnnxGraph.tensor("wide", new long[] {3, 1, 4}, new float[12]))
            .node("Add", "wider", "x", "wide");
    Graph read = fixed(graph(graph, 18), "16000");
    assertThat(read.source("same")).isEqualTo("x");
    assertThat(read.source("wider")).isEqualTo("wider");
  }

  @Test
  void namesAreNumbered() {
    OnnxGraph graph = matrix();
    for (int i = 0; i < 3; i++) {
      graph.node("Neg", "n" + i, "m");
    }
    var model = graph.model(18).toBuilder();
    model.getGraphBuilder().getNodeBuilderList().forEach(node -> node.setName("twin"));
    model.getGraphBuilder().getNodeBuilder(2).setName("twin_2");
    Graph read = Graph.parse(Path.of("net.onnx"), model.build().toByteArray());
    assertThat(read.nodes())
        .extracting(GraphNode::name)
        .containsExactly("twin", "twin_2", "twin_2_2");
  }
}

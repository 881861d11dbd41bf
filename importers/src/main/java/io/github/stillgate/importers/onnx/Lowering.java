package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.importers.onnx.Known.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The values of one step while the nodes of a graph become layers: what is known of each, who reads
 * it, and which layers may still take in what follows them.
 */
final class Lowering {
  private final Graph graph;
  private final Budget budget;
  private final Work work;
  private final Wires wires;
  private final Map<String, Elements> values = new HashMap<>();
  private final Map<String, Integer> readers;
  private final Map<Long, Open> open = new HashMap<>();
  private final Map<String, String> reasons = new HashMap<>();

  /** A layer that only the value {@code holder} is made of. */
  private record Open(LayerFold fold, String holder) {}

  /**
   * Begins with nothing.
   *
   * @param graph one step of one stream of it
   * @param needed its nodes that become layers
   */
  Lowering(Graph graph, Budget budget, List<GraphNode> needed, Set<String> outputs) {
    this.graph = graph;
    this.budget = budget;
    this.work = Work.ofElements(graph.fileBytes());
    this.wires = new Wires(budget);
    this.readers = new HashMap<>();
    needed.forEach(node ->
        node.proto().getInputList().forEach(input -> readers.merge(input, 1, Integer::sum)));
    outputs.forEach(output -> readers.merge(output, 1, Integer::sum));
  }

  Graph graph() {
    return graph;
  }

  Budget budget() {
    return budget;
  }

  Work work() {
    return work;
  }

  Wires wires() {
    return wires;
  }

  /** Says what becomes of a value that is not read as a vector, for whoever reads it so. */
  void refuse(String value, String reason) {
    reasons.put(value, reason);
  }

  /** Whether a value is an initializer or computed of such. */
  boolean isConstant(String value) {
    return !graph.isComputed(value) && !graph.isGiven(value);
  }

  /** A constant operand, if it is one. */
  Optional<OnnxTensor> constant(GraphNode reader, String value) {
    return isConstant(value) && !value.isEmpty() ? graph.constant(reader, value) : Optional.empty();
  }

  /** A constant that a node must have. */
  OnnxTensor requireConstant(GraphNode reader, String value, String what) {
    return constant(reader, value)
        .orElseThrow(() ->
            reader.unsupported(
                "%s (\"%s\") is no constant of the file; supported are constants"
                    .formatted(what, value)));
  }

  /** The elements of what a node reads. */
  Elements read(GraphNode reader, int input) {
    return read(reader, reader.input(input));
  }

  /** The same by its name. */
  Elements read(GraphNode reader, String value) {
    Elements known = values.get(value);
    if (known != null) {
      return known;
    }
    String reason = reasons.get(graph.source(value));
    if (reason != null) {
      throw reader.unsupported("reads \"%s\", %s".formatted(value, reason));
    }
    if (value.isEmpty()) {
      throw reader.malformed("an input is missing");
    }
    OnnxTensor constant =
        constant(reader, value)
            .orElseThrow(
                () -> reader.malformed("reads \"%s\", which nothing gives".formatted(value)));
    if (!constant.isFloat()) {
      throw reader.unsupported("reads whole numbers (%s) as values of a step".formatted(constant));
    }
    Elements elements =
        new Elements(constant.shape(), wires.constant(reader, value, constant.weights()));
    values.put(value, elements);
    return elements;
  }

  /** Says what an output of a node is. */
  void give(GraphNode node, int output, Elements elements) {
    if (!node.output(output).isEmpty()) {
      work.take(2L * elements.size());
      values.put(node.output(output), elements);
    }
  }

  /** A value that is no output of a node. */
  void put(String value, Elements elements) {
    values.put(value, elements);
  }

  /** A layer without what could follow in it. */
  long[] layer(GraphNode node, int outputs, Function<String, Layer> layer, long[]... operands) {
    return wires.layer(node, List.of(operands), outputs, layer);
  }

  /** A layer that takes in what follows it, as long as the node's output alone reads it. */
  long[] layer(GraphNode node, LayerFold fold, long[]... operands) {
    long[] elements =
        wires.layer(node, List.of(operands), fold.outputs(), name -> built(node, fold, name));
    open.put(elements[0], new Open(fold, node.output(0)));
    return elements;
  }

  private static Layer built(GraphNode node, LayerFold fold, String name) {
    try {
      return fold.layer(name);
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
  }

  /**
   * The layer that a value is made of, whole and in any order, if nobody else reads that.
   *
   * @return the number of its first element
   */
  private Optional<Long> alone(String value, Elements elements) {
    if (readers.getOrDefault(value, 0) != 1) {
      return Optional.empty();
    }
    return whole(elements)
        .filter(first -> {
          Open layer = open.get(first);
          return layer != null && layer.holder().equals(value);
        });
  }

  /** The first element of the one vector whose elements these are, each once. */
  private Optional<Long> whole(Elements elements) {
    return wires
        .vectorOf(elements.numbers()[0])
        .filter(vector -> vector.length == elements.size())
        .filter(vector -> {
          boolean[] seen = new boolean[vector.length];
          for (long number : elements.numbers()) {
            long at = number - vector[0];
            if (at < 0 || at >= vector.length || seen[(int) at]) {
              return false;
            }
            seen[(int) at] = true;
          }
          return true;
        })
        .map(vector -> vector[0]);
  }

  private void hold(GraphNode node, long layer) {
    open.computeIfPresent(layer, (_, from) -> new Open(from.fold(), node.output(0)));
  }

  /** A function of each value of a node's first input, part of the layer before if it can be. */
  void function(GraphNode node, Activation.Elementwise function) {
    give(node, 0, function(node, node.input(0), read(node, 0), function));
  }

  /** The same of a value that was read. */
  Elements function(
      GraphNode node, String value, Elements elements, Activation.Elementwise function) {
    Optional<Long> before = alone(value, elements);
    if (before.isPresent() && fold(before.get()).apply(function)) {
      hold(node, before.get());
      return elements;
    }
    return function(node, elements, function);
  }

  /** A function of each value as a layer. */
  Elements function(GraphNode node, Elements elements, Activation.Elementwise function) {
    LayerFold fold = new LayerFold.Function(elements.size(), function);
    return new Elements(elements.shape(), layer(node, fold, elements.numbers()));
  }

  private LayerFold fold(long layer) {
    return open.get(layer).fold();
  }

  /**
   * A scale and a shift of each element, part of the layer before if it can be.
   *
   * @param scale one for each element
   * @param shift one for each element
   */
  void affine(GraphNode node, String value, Elements elements, double[] scale, double[] shift) {
    give(node, 0, scaled(node, value, elements, scale, shift));
  }

  private Elements scaled(
      GraphNode node, String value, Elements elements, double[] scale, double[] shift) {
    Optional<Long> before = alone(value, elements);
    if (before.isPresent()) {
      LayerFold fold = fold(before.get());
      double[] scales = new double[fold.rows()];
      double[] shifts = new double[fold.rows()];
      if (agree(elements, before.get(), scale, shift, scales, shifts)
          && fold.scale(scales, shifts)) {
        hold(node, before.get());
        return elements;
      }
    }
    int channels = period(scale, shift);
    budget.take(2L * channels, node);
    float[] w = new float[channels];
    float[] b = new float[channels];
    for (int i = 0; i < channels; i++) {
      w[i] = (float) scale[i];
      b[i] = (float) shift[i];
    }
    if (channels == 1) {
      Activation.Elementwise function =
          Activation.LINEAR.then(Activation.Function.AFFINE, w[0], b[0]);
      return function(node, elements, function);
    }
    LayerFold fold = new LayerFold.Sum(elements.size(), w, b);
    return new Elements(elements.shape(), layer(node, fold, elements.numbers()));
  }

  /** The scales and shifts of a layer's rows, if all elements of a row have the same. */
  private static boolean agree(
      Elements elements,
      long first,
      double[] scale,
      double[] shift,
      double[] scales,
      double[] shifts) {
    boolean[] set = new boolean[scales.length];
    for (int i = 0; i < elements.size(); i++) {
      int row = (int) ((elements.numbers()[i] - first) % scales.length);
      if (set[row] && (scales[row] != scale[i] || shifts[row] != shift[i])) {
        return false;
      }
      set[row] = true;
      scales[row] = scale[i];
      shifts[row] = shift[i];
    }
    return true;
  }

  /** After how many elements both repeat: the smallest such part of their number. */
  private static int period(double[] scale, double[] shift) {
    for (int period = 1; period < scale.length; period++) {
      if (scale.length % period != 0) {
        continue;
      }
      boolean repeats = true;
      for (int i = period; repeats && i < scale.length; i++) {
        repeats = scale[i] == scale[i - period] && shift[i] == shift[i - period];
      }
      if (repeats) {
        return period;
      }
    }
    return scale.length;
  }

  /** A node that only moves elements. */
  void move(GraphNode node) {
    List<Known> inputs = new ArrayList<>();
    for (int i = 0; i < node.proto().getInputCount(); i++) {
      String name = node.input(i);
      inputs.add(
          name.isEmpty()
              ? Known.NOTHING
              : Movement.isMoved(node, i) ? read(node, name).known() : graph.folding().value(name));
    }
    List<Known> outputs;
    try {
      outputs = Movement.apply(node, graph.folding().thawed(node, inputs), graph.opset(), work);
      for (int i = 0; i < Math.min(outputs.size(), node.proto().getOutputCount()); i++) {
        give(node, i, Elements.of(outputs.get(i)));
      }
    } catch (NotFoldedException | ArithmeticException e) {
      throw node.unsupported("it cannot be followed: %s".formatted(e.getMessage()));
    }
    keepOpen(node);
  }

  /** What a layer gives may still be changed behind a node that gives it whole. */
  void keepOpen(GraphNode node) {
    Elements elements = values.get(node.output(0));
    if (elements != null) {
      alone(node.input(0), read(node, 0))
          .filter(layer -> whole(elements).filter(layer::equals).isPresent())
          .ifPresent(layer -> hold(node, layer));
    }
  }

  /** The numbers of a constant, stretched to a shape. */
  float[] stretched(GraphNode node, OnnxTensor tensor, int... shape) {
    float[] values = tensor.weights();
    if (!tensor.isFloat()) {
      throw node.unsupported("computes with whole numbers (%s)".formatted(tensor));
    }
    budget.take(values.length, node);
    long[] places = new long[values.length];
    Arrays.setAll(places, i -> i);
    long[] from = new Elements(tensor.shape(), places).stretched(shape).numbers();
    float[] stretched = new float[from.length];
    for (int i = 0; i < from.length; i++) {
      stretched[i] = values[(int) from[i]];
    }
    return stretched;
  }

  /** What is known of a value's type. */
  Type type(String value) {
    return graph.folding().value(value).type();
  }
}

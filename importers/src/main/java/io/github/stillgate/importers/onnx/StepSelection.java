package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.OnnxFile.Answer;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What a Gather or Slice takes of one dimension: all of it, or the last or first of the steps,
 * which is where a model of layers answers.
 *
 * @param dimension which
 * @param all whether nothing is left out
 * @param dropped whether the dimension goes
 * @param answer the step that is taken
 */
record StepSelection(int dimension, boolean all, boolean dropped, Optional<Answer> answer) {
  /**
   * Reads a node.
   *
   * @param layout of the data that it reads
   * @param steps axes of the sequence; empty if it has one step
   * @throws UnsupportedOnnxException if it takes anything else
   */
  static StepSelection of(GraphNode node, Graph graph, TensorLayout layout, List<Axis> steps) {
    return node.operator().equals("Gather")
        ? gather(node, graph, layout, steps)
        : slice(node, graph, layout, steps);
  }

  private static StepSelection gather(
      GraphNode node, Graph graph, TensorLayout layout, List<Axis> steps) {
    node.requireAttributes("axis");
    int dimension = dimension(node, node.integer("axis", 0), layout);
    OnnxTensor index =
        graph
            .constant(node, node.input(1))
            .orElseThrow(() ->
                node.unsupported(
                    "takes elements that are computed (\"%s\"); supported are constants"
                        .formatted(node.input(1))));
    if (index.size() != 1 || index.shape().length > 1) {
      throw node.unsupported(
          "takes several elements of dimension %d of %s; supported is one step"
              .formatted(dimension, Arrays.toString(layout.shape())));
    }
    boolean dropped = index.shape().length == 0;
    return one(node, layout, steps, dimension, index.integers()[0], dropped);
  }

  private static int dimension(GraphNode node, long axis, TensorLayout layout) {
    long at = axis < 0 ? axis + layout.rank() : axis;
    if (at < 0 || at >= layout.rank()) {
      throw node.malformed(
          "axis is %d, expected one of %d dimensions".formatted(axis, layout.rank()));
    }
    return (int) at;
  }

  private static StepSelection one(
      GraphNode node,
      TensorLayout layout,
      List<Axis> steps,
      int dimension,
      long index,
      boolean dropped) {
    List<Axis> axes = layout.dimension(dimension);
    long size = TensorLayout.size(axes);
    boolean last = index == -1 || GraphChain.isKnown(axes) && index == size - 1;
    boolean first = index == 0 || GraphChain.isKnown(axes) && index == -size;
    if (axes.isEmpty() && (last || first)) {
      return new StepSelection(dimension, true, dropped, Optional.empty());
    }
    if (steps.isEmpty() || !axes.equals(steps) || !last && !first) {
      throw node.unsupported(
          "takes element %d of dimension %d of %s; supported are the last and the first of the steps"
                  .formatted(index, dimension, Arrays.toString(layout.shape()))
              + " behind a recurrent node (sizes the file leaves open count as large primes)");
    }
    return new StepSelection(
        dimension, false, dropped, Optional.of(last ? Answer.LAST_STEP : Answer.FIRST_STEP));
  }

  private static StepSelection slice(
      GraphNode node, Graph graph, TensorLayout layout, List<Axis> steps) {
    node.requireAttributes("axes", "starts", "ends");
    long[] starts = numbers(node, graph, "starts", 1);
    long[] ends = numbers(node, graph, "ends", 2);
    long[] all = new long[starts.length];
    Arrays.setAll(all, i -> i);
    long[] axes =
        node.has("axes") || !node.input(3).isEmpty() ? numbers(node, graph, "axes", 3) : all;
    long[] strides = node.input(4).isEmpty() ? new long[0] : numbers(node, graph, "steps", 4);
    if (ends.length != starts.length
        || axes.length != starts.length
        || strides.length > 0 && strides.length != starts.length) {
      throw node.malformed("starts, ends, axes and steps differ in number");
    }
    StepSelection selection = new StepSelection(0, true, false, Optional.empty());
    for (int i = 0; i < starts.length; i++) {
      if (strides.length > 0 && strides[i] != 1) {
        throw node.unsupported("takes every step %d; supported is 1".formatted(strides[i]));
      }
      int dimension = dimension(node, axes[i], layout);
      StepSelection cut = cut(node, layout, steps, dimension, starts[i], ends[i]);
      if (!cut.all()) {
        if (!selection.all()) {
          throw node.unsupported("cuts two dimensions; supported is one");
        }
        selection = cut;
      }
    }
    return selection;
  }

  private static StepSelection cut(
      GraphNode node, TensorLayout layout, List<Axis> steps, int dimension, long start, long end) {
    List<Axis> axes = layout.dimension(dimension);
    long size = TensorLayout.size(axes);
    boolean known = GraphChain.isKnown(axes);
    boolean toEnd = end >= Integer.MAX_VALUE || known && end >= size;
    boolean fromBegin = start == 0 || known && start <= -size;
    if (fromBegin && toEnd) {
      return new StepSelection(dimension, true, false, Optional.empty());
    }
    if (toEnd && (start == -1 || known && start == size - 1)) {
      return one(node, layout, steps, dimension, -1, false);
    }
    if (fromBegin && end == 1) {
      return one(node, layout, steps, dimension, 0, false);
    }
    throw node.unsupported(
        "takes %d to %d of dimension %d of %s; supported are all, and the last and the first of the"
                .formatted(start, end, dimension, Arrays.toString(layout.shape()))
            + " steps behind a recurrent node (sizes the file leaves open count as large primes)");
  }

  private static long[] numbers(GraphNode node, Graph graph, String attribute, int input) {
    return node.integers(attribute)
        .orElseGet(() ->
            graph
                .constant(node, node.input(input))
                .orElseThrow(() ->
                    node.unsupported(
                        "%s (\"%s\") is computed; supported are constants"
                            .formatted(attribute, node.input(input))))
                .integers());
  }

  /** What is left of a layout. */
  TensorLayout apply(TensorLayout layout) {
    List<List<Axis>> dimensions = new ArrayList<>(layout.dimensions());
    if (!all) {
      dimensions.set(dimension, List.of());
    }
    if (dropped) {
      dimensions.remove(dimension);
    }
    return new TensorLayout(dimensions);
  }
}

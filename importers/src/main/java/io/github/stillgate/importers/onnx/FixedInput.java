package io.github.stillgate.importers.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** A value that the user gives an input of a graph, as text. */
final class FixedInput {
  private FixedInput() {}

  /**
   * The tensor that {@code text} is for the input.
   *
   * @throws IllegalArgumentException if no input has this name, or the numbers do not fit it
   */
  static OnnxTensor of(Graph graph, String name, String text) {
    List<String> given = graph.inputs().stream().filter(graph::isGiven).toList();
    if (!given.contains(name)) {
      throw new IllegalArgumentException(
          OneLine.of(
              "%s: no input of the graph is called \"%s\"; it has %s"
                  .formatted(graph.file(), name, given)));
    }
    String[] numbers = text.split(",", -1);
    int[] shape = shape(graph, name, numbers.length);
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    Known.Type type = Folding.typeOf(graph.inputType(name).getNumber());
    if (type == Known.Type.UNKNOWN || numbers.length != 1 && numbers.length != size) {
      throw new IllegalArgumentException(
          OneLine.of(
              "%s: %d numbers for the input \"%s\" of type %s and shape %s"
                  .formatted(
                      graph.file(),
                      numbers.length,
                      name,
                      graph.inputType(name),
                      Arrays.toString(shape))));
    }
    float[] floats = new float[size];
    long[] integers = new long[size];
    for (int i = 0; i < size; i++) {
      String number = numbers[numbers.length == 1 ? 0 : i].strip();
      try {
        if (type == Known.Type.FLOAT) {
          floats[i] = Float.parseFloat(number);
        } else {
          integers[i] =
              switch (number) {
                case "true" -> 1;
                case "false" -> 0;
                default -> Long.parseLong(number);
              };
        }
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            OneLine.of(
                "%s: \"%s\" for the input \"%s\" of type %s is no such number"
                    .formatted(graph.file(), number, name, graph.inputType(name))),
            e);
      }
    }
    return OnnxTensor.computed(
        graph.file(),
        "",
        name,
        shape,
        type == Known.Type.FLOAT
            ? new TensorData.Floats(floats)
            : new TensorData.Integers(integers));
  }

  /** As declared; a single open dimension has as many numbers as are given, others have size 1. */
  private static int[] shape(Graph graph, String name, int numbers) {
    List<OptionalInt> declared = graph.inputShape(name).orElse(List.of());
    int[] shape = new int[declared.size()];
    long size = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = declared.get(i).orElse(shape.length == 1 ? numbers : 1);
      size *= shape[i];
      if (size > Known.FEW) {
        throw new IllegalArgumentException(
            OneLine.of(
                "%s: the input \"%s\" has more than %d elements, too many to be fixed"
                    .formatted(graph.file(), name, Known.FEW)));
      }
    }
    return shape;
  }
}

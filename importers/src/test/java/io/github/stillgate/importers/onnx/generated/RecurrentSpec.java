package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A recurrent node with random weights.
 *
 * @param name what it tests
 * @param operator GRU, LSTM or RNN
 * @param steps of X
 * @param batch of X
 * @param inputs width of X
 * @param units hidden_size
 * @param optional which of B, sequence_lens, initial_h, initial_c and P it has
 * @param attributes those that are set
 */
public record RecurrentSpec(
    String name,
    String operator,
    int steps,
    int batch,
    int inputs,
    int units,
    List<String> optional,
    Map<String, Object> attributes) {
  private static final List<String> INPUTS =
      List.of("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P");

  /** A small one without options. */
  public static RecurrentSpec of(String operator) {
    return new RecurrentSpec(operator, operator, 6, 3, 4, 5, List.of(), Map.of());
  }

  /** The same with an attribute. */
  public RecurrentSpec with(String attribute, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(attributes);
    more.put(attribute, value);
    return new RecurrentSpec(
        "%s, %s = %s".formatted(name, attribute, value),
        operator,
        steps,
        batch,
        inputs,
        units,
        optional,
        more);
  }

  /** The same with an optional input. */
  public RecurrentSpec with(String input) {
    List<String> more = new ArrayList<>(optional);
    more.add(input);
    return new RecurrentSpec(
        name + ", " + input, operator, steps, batch, inputs, units, more, attributes);
  }

  /** The same of another size. */
  public RecurrentSpec sized(int newSteps, int newBatch, int newInputs, int newUnits) {
    return new RecurrentSpec(
        "%s, %d x %d x %d, %d units".formatted(name, newSteps, newBatch, newInputs, newUnits),
        operator,
        newSteps,
        newBatch,
        newInputs,
        newUnits,
        optional,
        attributes);
  }

  int gates() {
    return Map.of("GRU", 3, "LSTM", 4, "RNN", 1).get(operator);
  }

  int directions() {
    return attributes.getOrDefault("direction", "forward").equals("bidirectional") ? 2 : 1;
  }

  boolean isBatchFirst() {
    return attributes.getOrDefault("layout", 0).equals(1);
  }

  /** Whether all activations are sigmoid or tanh. */
  public boolean isStandard() {
    return !attributes.containsKey("activations");
  }

  boolean has(String input) {
    return List.of("X", "W", "R").contains(input) || optional.contains(input);
  }

  /** Lengths of the sequences: the first is whole. */
  int[] lengths() {
    int[] lengths = new int[batch];
    for (int b = 0; b < batch; b++) {
      lengths[b] = has("sequence_lens") ? Math.max(1, steps - 2 * b) : steps;
    }
    return lengths;
  }

  long[] shape(String input) {
    int d = directions();
    int rows = gates() * units;
    long[] state = isBatchFirst() ? new long[] {batch, d, units} : new long[] {d, batch, units};
    return switch (input) {
      case "X" ->
          isBatchFirst() ? new long[] {batch, steps, inputs} : new long[] {steps, batch, inputs};
      case "W" -> new long[] {d, rows, inputs};
      case "R" -> new long[] {d, rows, units};
      case "B" -> new long[] {d, 2L * rows};
      case "P" -> new long[] {d, 3L * units};
      case "Y_h", "Y_c", "initial_h", "initial_c" -> state;
      case "Y" ->
          isBatchFirst()
              ? new long[] {batch, steps, d, units}
              : new long[] {steps, d, batch, units};
      default -> throw new IllegalArgumentException(input);
    };
  }

  List<String> outputs() {
    return operator.equals("LSTM") ? List.of("Y", "Y_h", "Y_c") : List.of("Y", "Y_h");
  }

  /** Values of all float inputs it has, the same every time. */
  Map<String, float[]> values() {
    Map<String, float[]> values = new HashMap<>();
    for (String input : INPUTS) {
      if (has(input) && !input.equals("sequence_lens")) {
        int size = 1;
        for (long extent : shape(input)) {
          size *= (int) extent;
        }
        float range = 0.5f;
        if (input.equals("X")) {
          range = 2;
        } else if (input.equals("W") || input.equals("R")) {
          range = (float) (2 / Math.sqrt(input.equals("W") ? inputs : units));
        }
        Random random = new Random(input.hashCode() + 31L * size);
        float[] tensor = new float[size];
        for (int i = 0; i < size; i++) {
          tensor[i] = range * (2 * random.nextFloat() - 1);
        }
        values.put(input, tensor);
      }
    }
    return values;
  }

  /** The node alone in a graph, its weights constants. */
  public GeneratedCase toCase() {
    OnnxGraph graph = new OnnxGraph();
    List<String> names = new ArrayList<>();
    List<TensorProto> given = new ArrayList<>();
    Map<String, float[]> values = values();
    for (String input : INPUTS) {
      if (!has(input)) {
        names.add("");
        continue;
      }
      names.add(input);
      if (input.equals("sequence_lens")) {
        graph.typedInput(input, TensorProto.DataType.INT32_VALUE, batch);
        given.add(OnnxGraph.ints(input, lengths()));
      } else {
        TensorProto tensor = OnnxGraph.tensor(input, shape(input), values.get(input));
        if (input.equals("X") || input.startsWith("initial")) {
          graph.input(input, shape(input));
          given.add(tensor);
        } else {
          graph.constant(tensor);
        }
      }
    }
    while (names.getLast().isEmpty()) {
      names.removeLast();
    }
    Map<String, Object> all = new LinkedHashMap<>(attributes);
    all.put("hidden_size", units);
    graph.node(operator, names, outputs(), all);
    outputs().forEach(graph::output);
    return new GeneratedCase(name, graph.model(), given);
  }

  @Override
  public String toString() {
    return name;
  }
}

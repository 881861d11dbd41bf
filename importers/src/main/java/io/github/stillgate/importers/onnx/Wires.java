package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Graph.State;
import io.github.stillgate.core.model.Graph.Value;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import java.nio.LongBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A network over named values in the making. Every element of every value has a number of its own,
 * so what only moves elements is nothing but other numbers; an {@link IndexMap} is made where a
 * layer reads elements that are no vector as they stand. Number 0 is the constant zero.
 */
final class Wires {
  /** The number of an element that is 0 in every step. */
  static final long ZERO = 0;

  private final Budget budget;
  private final List<Source> sources = new ArrayList<>();
  private final Map<LongBuffer, Integer> vectors = new HashMap<>();
  private long next = ZERO + 1;

  /** What makes a vector. */
  private sealed interface Source {
    int width();

    long first();

    /** An input of the model. */
    record Input(String name, int width, long first) implements Source {}

    /** What the step before made. */
    record Kept(String name, int width, long first) implements Source {}

    /** A layer, which takes its name at the end. */
    record Made(
        String hint,
        boolean named,
        List<Integer> inputs,
        Function<String, Layer> layer,
        int width,
        long first)
        implements Source {}
  }

  Wires(Budget budget) {
    this.budget = budget;
  }

  private long[] add(int width, Function<Long, Source> source) {
    long[] elements = new long[width];
    Arrays.setAll(elements, i -> next + i);
    sources.add(source.apply(next));
    next += width;
    return elements;
  }

  /** The elements of one more input of the model. */
  long[] input(String name, int width) {
    return add(width, first -> new Source.Input(name, width, first));
  }

  /** The elements of one more state of the model. */
  long[] state(String name, int width) {
    return add(width, first -> new Source.Kept(name, width, first));
  }

  /** The elements of a constant; those that are 0 are {@link #ZERO}. */
  long[] constant(GraphNode reader, String hint, float[] values) {
    budget.take(values.length, reader);
    boolean zero = true;
    for (float value : values) {
      zero &= value == 0;
    }
    if (zero) {
      return new long[values.length];
    }
    float[] kept = values.clone();
    long[] elements =
        add(
            kept.length,
            first ->
                new Source.Made(
                    hint, false, List.of(), name -> Constant.of(name, kept), kept.length, first));
    for (int i = 0; i < kept.length; i++) {
      elements[i] = kept[i] == 0 ? ZERO : elements[i];
    }
    return elements;
  }

  /**
   * The elements that a layer gives.
   *
   * @param node what it is called after
   * @param operands elements of what it reads
   * @param outputs how many it gives
   * @param layer makes it once its name is known
   */
  long[] layer(GraphNode node, List<long[]> operands, int outputs, Function<String, Layer> layer) {
    return layer(node, false, operands, outputs, layer);
  }

  /** The same of a layer that keeps the name of its node, since its states are known by it. */
  long[] namedLayer(GraphNode node, long[] operand, int outputs, Layer layer) {
    return layer(node, true, List.of(operand), outputs, _ -> layer);
  }

  private long[] layer(
      GraphNode node,
      boolean named,
      List<long[]> operands,
      int outputs,
      Function<String, Layer> layer) {
    List<Integer> inputs = new ArrayList<>();
    for (long[] operand : operands) {
      inputs.add(vector(node, operand));
    }
    return add(
        outputs, first -> new Source.Made(node.name(), named, inputs, layer, outputs, first));
  }

  /** Where the vector begins that an element belongs to; none has 0. */
  Optional<long[]> vectorOf(long element) {
    if (element == ZERO) {
      return Optional.empty();
    }
    Source source = sources.get(at(element));
    long[] all = new long[source.width()];
    Arrays.setAll(all, i -> source.first() + i);
    return Optional.of(all);
  }

  private int at(long element) {
    int low = 0;
    int high = sources.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (sources.get(middle).first() <= element) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** The vector of these elements: one that is there, or a map of some that are. */
  private int vector(GraphNode reader, long[] elements) {
    if (elements[0] != ZERO) {
      int source = at(elements[0]);
      if (isWhole(sources.get(source), elements)) {
        return source;
      }
    }
    LongBuffer key = LongBuffer.wrap(elements.clone());
    Integer known = vectors.get(key);
    if (known != null) {
      return known;
    }
    budget.take(elements.length, reader);
    int made = map(reader.name(), elements);
    vectors.put(key, made);
    return made;
  }

  private static boolean isWhole(Source source, long[] elements) {
    if (elements.length != source.width()) {
      return false;
    }
    for (int i = 0; i < elements.length; i++) {
      if (elements[i] != source.first() + i) {
        return false;
      }
    }
    return true;
  }

  private int map(String hint, long[] elements) {
    Map<Integer, Integer> begins = new LinkedHashMap<>();
    List<Integer> widths = new ArrayList<>();
    int[] index = new int[elements.length];
    int all = 0;
    for (int i = 0; i < elements.length; i++) {
      if (elements[i] == ZERO) {
        index[i] = -1;
        continue;
      }
      int source = at(elements[i]);
      Integer begin = begins.get(source);
      if (begin == null) {
        begin = all;
        begins.put(source, begin);
        widths.add(sources.get(source).width());
        all = Math.addExact(all, sources.get(source).width());
      }
      index[i] = begin + (int) (elements[i] - sources.get(source).first());
    }
    Function<String, Layer> layer =
        begins.isEmpty()
            ? name -> Constant.of(name, new float[index.length])
            : name -> new IndexMap(name, widths, index);
    add(
        index.length,
        first ->
            new Source.Made(
                hint + "/read", false, List.copyOf(begins.keySet()), layer, index.length, first));
    return sources.size() - 1;
  }

  /** A value that the model gives, or that replaces a state, and its elements. */
  record End(String name, long[] elements) {}

  /**
   * The graph, without what no end needs.
   *
   * @param reader what messages name
   * @param outputs what it gives
   * @param nexts what replaces each of its states, by the state's name
   * @throws IllegalArgumentException if it is not sound
   */
  io.github.stillgate.core.model.Graph graph(
      GraphNode reader, List<End> outputs, Map<String, End> nexts) {
    Set<String> taken = new HashSet<>();
    sources.forEach(source -> {
      switch (source) {
        case Source.Input(String name, _, _) -> taken.add(name);
        case Source.Kept(String name, _, _) -> taken.add(name);
        case Source.Made made -> {
          if (made.named()) {
            taken.add(made.hint());
          }
        }
      }
    });
    Map<Integer, String> names = new HashMap<>();
    List<Integer> ends = new ArrayList<>();
    for (End output : outputs) {
      int source = vector(reader, output.elements());
      if (!isNamed(source, output.name()) && (isNamed(source) || names.containsKey(source))) {
        source = map(output.name(), output.elements());
      }
      names.put(source, output.name());
      taken.add(output.name());
      ends.add(source);
    }
    Map<String, Integer> replacing = new LinkedHashMap<>();
    nexts.forEach((state, end) -> replacing.put(state, vector(reader, end.elements())));
    ends.addAll(replacing.values());
    return new Writing(names, taken, needed(ends), replacing)
        .graph(outputs.stream().map(End::name).toList());
  }

  private boolean isNamed(int source) {
    return !(sources.get(source) instanceof Source.Made made) || made.named();
  }

  private boolean isNamed(int source, String name) {
    return switch (sources.get(source)) {
      case Source.Input input -> input.name().equals(name);
      case Source.Kept kept -> kept.name().equals(name);
      case Source.Made made -> made.named() && made.hint().equals(name);
    };
  }

  private Set<Integer> needed(List<Integer> ends) {
    Set<Integer> needed = new HashSet<>();
    Deque<Integer> open = new ArrayDeque<>(ends);
    while (!open.isEmpty()) {
      int source = open.removeLast();
      if (needed.add(source) && sources.get(source) instanceof Source.Made made) {
        open.addAll(made.inputs());
      }
    }
    return needed;
  }

  /** The sources as a graph. */
  private final class Writing {
    private final Map<Integer, String> names;
    private final Set<String> taken;
    private final Set<Integer> needed;
    private final Map<String, Integer> replacing;

    Writing(
        Map<Integer, String> names,
        Set<String> taken,
        Set<Integer> needed,
        Map<String, Integer> replacing) {
      this.names = names;
      this.taken = taken;
      this.needed = needed;
      this.replacing = replacing;
    }

    io.github.stillgate.core.model.Graph graph(List<String> outputs) {
      List<Value> inputs = new ArrayList<>();
      List<State> states = new ArrayList<>();
      List<io.github.stillgate.core.model.Graph.Node> nodes = new ArrayList<>();
      for (int i = 0; i < sources.size(); i++) {
        if (!needed.contains(i)) {
          continue;
        }
        switch (sources.get(i)) {
          case Source.Input(String name, int width, _) -> inputs.add(new Value(name, width));
          case Source.Kept(String name, int width, _) ->
              states.add(new State(name, width, Optional.empty(), ""));
          case Source.Made made ->
              nodes.add(
                  new io.github.stillgate.core.model.Graph.Node(
                      made.layer().apply(name(i)),
                      made.inputs().stream().map(this::name).toList()));
        }
      }
      return new io.github.stillgate.core.model.Graph(
          inputs,
          states.stream()
              .map(state ->
                  new State(
                      state.name(),
                      state.width(),
                      state.initial(),
                      name(replacing.getOrDefault(state.name(), -1))))
              .toList(),
          nodes,
          outputs);
    }

    private String name(int source) {
      return names.computeIfAbsent(
          source,
          i ->
              switch (sources.get(i)) {
                case Source.Input input -> input.name();
                case Source.Kept kept -> kept.name();
                case Source.Made made -> made.named() ? made.hint() : free(made.hint());
              });
    }

    /** A name of its own; without dots it begins as no state of a layer does. */
    private String free(String hint) {
      String name = replacing.isEmpty() ? hint : hint.replace('.', '_');
      String own = name;
      for (int number = 2; !taken.add(own); number++) {
        own = "%s_%d".formatted(name, number);
      }
      return own;
    }
  }
}

package io.github.stillgate.contract;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Activation.Function;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/** Small random graphs of operations, with values that nobody else reads as their outputs. */
final class RandomGraphs {
  private static final Function[] FUNCTIONS = {
    Function.AFFINE,
    Function.CLAMP,
    Function.LEAK,
    Function.THRESHOLD,
    Function.SOFTSIGN,
    Function.SQRT,
    Function.RECIPROCAL,
    Function.ABS,
    Function.FLOOR
  };

  private final SplittableRandom random;
  private final Map<String, Integer> widths = new LinkedHashMap<>();
  private final List<Graph.Node> nodes = new ArrayList<>();
  private final Set<String> read = new HashSet<>();

  private RandomGraphs(long seed) {
    this.random = new SplittableRandom(seed);
  }

  static Graph of(long seed) {
    return new RandomGraphs(seed).graph();
  }

  private Graph graph() {
    List<Graph.Value> inputs = new ArrayList<>();
    for (int i = 0; i <= random.nextInt(3); i++) {
      inputs.add(new Graph.Value("in" + i, width()));
      widths.put("in" + i, inputs.get(i).width());
    }
    Map<String, Integer> states = new LinkedHashMap<>();
    for (int i = 0; i < random.nextInt(4); i++) {
      states.put("state" + i, width());
    }
    widths.putAll(states);
    int count = 2 + random.nextInt(14);
    for (int i = 0; i < count; i++) {
      node("n" + i);
    }
    List<Graph.State> replaced = new ArrayList<>();
    states.forEach((name, width) -> {
      String next = ofWidth(width, "next_" + name);
      Optional<Matrix> initial =
          random.nextBoolean()
              ? Optional.empty()
              : Optional.of(Matrix.vector(name, values(width, 1)));
      replaced.add(new Graph.State(name, width, initial, next));
    });
    List<String> outputs = new ArrayList<>(widths.keySet());
    outputs.removeIf(name -> read.contains(name) && random.nextInt(4) > 0);
    if (outputs.isEmpty()) {
      outputs.add(nodes.getLast().layer().name());
    }
    return new Graph(inputs, replaced, nodes, outputs);
  }

  private int width() {
    return 1 + random.nextInt(random.nextBoolean() ? 5 : 70);
  }

  private void node(String name) {
    switch (random.nextInt(6)) {
      case 0 -> add(Constant.of(name, values(width(), 1)));
      case 1, 2 -> {
        String a = any();
        String b = ofWidth(widths.get(a), "b_" + name);
        Combine.Kind[] kinds = Combine.Kind.values();
        Combine.Kind kind = kinds[random.nextInt(kinds.length)];
        add(
            new Combine(name, widths.get(a), kind == Combine.Kind.POWER ? Combine.Kind.LEAK : kind),
            a,
            b);
      }
      case 3 -> {
        String x = any();
        Activation.Elementwise function = Activation.LINEAR;
        for (int i = 0; i < random.nextInt(4); i++) {
          float a = (float) random.nextDouble(-3, 3);
          function = function.then(FUNCTIONS[random.nextInt(FUNCTIONS.length)], a, a + 1.5f);
        }
        add(new Elementwise(name, widths.get(x), function), x);
      }
      default -> map(name, width());
    }
  }

  /** A map from one to three vectors: runs, zeros and single values. */
  private void map(String name, int width) {
    String[] from = new String[1 + random.nextInt(3)];
    List<Integer> of = new ArrayList<>();
    int all = 0;
    for (int i = 0; i < from.length; i++) {
      from[i] = any();
      of.add(widths.get(from[i]));
      all += widths.get(from[i]);
    }
    int[] index = new int[width];
    int at = 0;
    while (at < width) {
      int first = random.nextInt(-1, all);
      int count = Math.min(width - at, 1 + random.nextInt(20));
      int step = random.nextInt(-1, 2);
      for (int i = 0; i < count; i++) {
        int position = first + step * i;
        index[at++] = first < 0 || position < 0 || position >= all ? -1 : position;
      }
    }
    add(new IndexMap(name, of, index), from);
  }

  private void add(Layer layer, String... inputs) {
    nodes.add(new Graph.Node(layer, List.of(inputs)));
    widths.put(layer.name(), layer.outputs());
    read.addAll(List.of(inputs));
  }

  private String any() {
    List<String> names = List.copyOf(widths.keySet());
    return names.get(random.nextInt(names.size()));
  }

  /** One of the values of this width, or a map to it. */
  private String ofWidth(int width, String name) {
    List<String> fitting =
        widths.keySet().stream().filter(value -> widths.get(value) == width).toList();
    if (fitting.isEmpty() || random.nextInt(3) == 0) {
      map(name, width);
      return name;
    }
    String value = fitting.get(random.nextInt(fitting.size()));
    read.add(value);
    return value;
  }

  float[] values(int n, float scale) {
    return VectorOpsContract.values(n, scale, random);
  }
}

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
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.WeightedSum;
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
    switch (random.nextInt(12)) {
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
        add(new Elementwise(name, widths.get(x), function(4)), x);
      }
      case 4 -> {
        int channels = 1 + random.nextInt(20);
        int width = channels * (1 + random.nextInt(4));
        String[] terms = new String[1 + random.nextInt(4)];
        for (int i = 0; i < terms.length; i++) {
          terms[i] = ofWidth(width, "term" + i + "_" + name);
        }
        Matrix w = matrix(terms.length, channels);
        add(new WeightedSum(name, width, w, vector(channels), function(2)), terms);
      }
      case 5 -> {
        int groups = 1 + random.nextInt(3);
        int rows = groups * (1 + random.nextInt(random.nextBoolean() ? 4 : 40));
        int columns = random.nextInt(4) == 0 ? 32 : 1 + random.nextInt(40);
        int positions = 1 + random.nextInt(5);
        add(
            new Positions(
                name, positions, groups, matrix(rows, columns), vector(rows), function(2)),
            ofWidth(positions * groups * columns, "slices_" + name));
      }
      case 6 -> {
        Reduction.Kind[] kinds = Reduction.Kind.values();
        Reduction.Kind kind = kinds[random.nextInt(kinds.length)];
        Reduction layer = new Reduction(name, 1 + random.nextInt(5), side(), kind);
        add(layer, ofWidth(layer.inputs(), "rows_" + name));
      }
      case 7 -> {
        Softmax layer = new Softmax(name, 1 + random.nextInt(5), side());
        add(layer, ofWidth(layer.inputs(), "rows_" + name));
      }
      case 8 -> {
        float epsilon = new float[] {0, 1e-20f, 1e-5f}[random.nextInt(3)];
        Normalise layer = new Normalise(name, 1 + random.nextInt(5), side(), epsilon);
        add(layer, ofWidth(layer.inputs(), "rows_" + name));
      }
      case 9 -> {
        int inner = side();
        MatrixProduct layer =
            new MatrixProduct(name, 1 + random.nextInt(5), inner, 1 + random.nextInt(5));
        String a = ofWidth(layer.rows() * inner, "a_" + name);
        add(layer, a, ofWidth(inner * layer.columns(), "b_" + name));
      }
      default -> map(name, width());
    }
  }

  private int side() {
    return 1 + random.nextInt(random.nextBoolean() ? 4 : 40);
  }

  private Matrix matrix(int rows, int columns) {
    return Matrix.of("W", rows, columns, values(rows * columns, 1));
  }

  private Matrix vector(int length) {
    return Matrix.vector("b", values(length, 1));
  }

  private Activation.Elementwise function(int steps) {
    Activation.Elementwise function = Activation.LINEAR;
    for (int i = 0; i < random.nextInt(steps); i++) {
      float a = (float) random.nextDouble(-3, 3);
      function = function.then(FUNCTIONS[random.nextInt(FUNCTIONS.length)], a, a + 1.5f);
    }
    return function;
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

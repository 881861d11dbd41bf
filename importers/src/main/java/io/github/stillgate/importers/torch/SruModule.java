package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sru;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An SRU in the layout of its authors' library: a module {@code SRU}, whose layers are {@code
 * rnn_lst.0}, {@code rnn_lst.1} and so on, or one {@code SRUCell}. A cell that reads d values and
 * has n units in each of its directions has
 *
 * <pre>
 *   weight       d x (directions n k)   unit j of direction b: columns from (b n + j) k on, u, f, r
 *                                       and, if k = 4, the highway's
 *   weight_proj  d x p, optional        then weight has p rows and is multiplied from the left by it
 *   weight_c     2 directions n         vf of all directions, then vr; absent or 0 in version 1
 *   bias         2 directions n         bf of all directions, then br
 *   scale_x      1, optional            of the input on the highway, if k = 3
 * </pre>
 *
 * Without a fourth column the highway takes the input as it is, which is as wide as all units: the
 * first direction has the first n values. The tensors say neither how many directions there are nor
 * whether there is a highway at all, so a {@link LayerRequest} says both.
 */
final class SruModule {
  private static final String WEIGHT = "weight";
  private static final String PROJECTION = "weight_proj";
  private static final String CELLS = "weight_c";
  private static final String BIAS = "bias";
  private static final String SCALE = "scale_x";
  private static final Set<String> PARTS = Set.of(WEIGHT, PROJECTION, CELLS, BIAS, SCALE);
  private static final Pattern STACKED = Pattern.compile("rnn_lst\\.(0|[1-9][0-9]{0,3})\\.(.+)");
  private static final String INPUT_TO_HIDDEN = "input_to_hidden.weight";

  private final StateDict dict;
  private final LayerRequest request;
  private final int directions;
  private final boolean skips;

  SruModule(StateDict dict, LayerRequest request) {
    this.dict = dict;
    this.request = request;
    this.directions = request.options().contains(LayerRequest.Option.BIDIRECTIONAL) ? 2 : 1;
    this.skips = !request.options().contains(LayerRequest.Option.NO_SKIP);
  }

  /**
   * The module's layers.
   *
   * @throws IllegalArgumentException if a tensor is missing, of the wrong shape, or not one of such
   *     a module; the message names it
   */
  List<Layer> layers() {
    TreeMap<Integer, Set<String>> cells = new TreeMap<>();
    Set<String> own = new TreeSet<>();
    String begin = request.tensor("");
    for (String name : dict.parameters().names()) {
      if (name.startsWith(begin)) {
        String part = name.substring(begin.length());
        Matcher matcher = STACKED.matcher(part);
        if (matcher.matches()) {
          cells
              .computeIfAbsent(Integer.valueOf(matcher.group(1)), _ -> new TreeSet<>())
              .add(matcher.group(2));
        } else {
          requireKnown(part);
          own.add(part);
        }
      }
    }
    if (!cells.isEmpty()) {
      return stack(cells);
    }
    own.retainAll(PARTS);
    if (!own.contains(WEIGHT)) {
      // Says what there is instead.
      dict.matrix(request, "rnn_lst.0." + WEIGHT);
    }
    requireParts("", own, Set.of(WEIGHT, BIAS));
    return List.of(cell("", request.layerName(), own));
  }

  private List<Layer> stack(TreeMap<Integer, Set<String>> cells) {
    Set<String> every = new HashSet<>(Set.of(WEIGHT, BIAS));
    cells.values().forEach(every::addAll);
    every.remove(PROJECTION);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i <= cells.lastKey(); i++) {
      String begin = "rnn_lst.%d.".formatted(i);
      Set<String> parts = cells.getOrDefault(i, Set.of());
      parts.forEach(part -> requirePart(begin + part, part));
      requireParts(begin, parts, every);
      String name = cells.lastKey() > 0 ? request.layerName() + ".l" + i : request.layerName();
      layers.add(cell(begin, name, parts));
    }
    return layers;
  }

  private void requireParts(String begin, Set<String> parts, Set<String> required) {
    for (String part : new TreeSet<>(required)) {
      if (!parts.contains(part)) {
        throw new IllegalArgumentException(
            "%s is missing; each layer of the module has the same tensors, so save the whole state dict"
                .formatted(request.tensor(begin + part)));
      }
    }
  }

  /** Refuses what belongs to such a module and changes what it computes. */
  private void requireKnown(String part) {
    String first = part.substring(0, (part + ".").indexOf('.'));
    switch (first) {
      case "layer_norm", "ln_lst", "custom_m", "transform_module" -> requirePart(part, part);
      case "input_to_hidden" -> {
        if (!dict.parameters().hasUsed(request.tensor(INPUT_TO_HIDDEN))) {
          throw new IllegalArgumentException(
              "%s multiplies what the sru reads; put linear:%s before it"
                  .formatted(
                      request.tensor(part),
                      request.tensor(INPUT_TO_HIDDEN).replace("." + WEIGHT, "")));
        }
      }
      default -> {
        if (first.equals(part) && (part.startsWith(WEIGHT) || part.startsWith(BIAS))) {
          requirePart(part, part);
        }
      }
    }
  }

  private void requirePart(String path, String part) {
    if (PARTS.contains(part)) {
      return;
    }
    String reason = "is no tensor of an SRU; its tensors are " + new TreeSet<>(PARTS);
    if (part.startsWith("layer_norm.") || part.startsWith("ln_lst.")) {
      reason = "is of a layer normalisation, which is not supported; train with layer_norm=False";
    } else if (part.startsWith("custom_m.") || part.startsWith("transform_module.")) {
      reason =
          "is of a module in the place of the matrices, which is not supported; only the matrix of an"
              + " ordinary SRU is";
    }
    throw new IllegalArgumentException(request.tensor(path) + " " + reason);
  }

  private Layer cell(String begin, String name, Set<String> parts) {
    String biasName = request.tensor(begin + BIAS);
    float[] bias = dict.parameters().vector(biasName).toFloats();
    int all = bias.length / 2;
    if (bias.length == 0 || bias.length % (2 * directions) != 0) {
      throw new IllegalArgumentException(
          "%s has %d values; it has one for each of two gates, %s, and each unit"
              .formatted(
                  biasName, bias.length, directions == 2 ? "both directions" : "one direction"));
    }
    Parameter weight = dict.matrix(request, begin + WEIGHT);
    int columns = weight.columns();
    int kinds = columns / all;
    if (columns % all != 0 || kinds != 3 && kinds != 4) {
      throw new IllegalArgumentException(
          "%s is %d x %d and %s has %d values: %d units, and so %d columns or %d"
              .formatted(
                  weight.name(),
                  weight.rows(),
                  columns,
                  biasName,
                  bias.length,
                  all,
                  3 * all,
                  4 * all));
    }
    Packed packed = packed(begin, weight, parts);
    requireHighway(weight.name(), packed.inputs(), all, kinds);
    float[] seen = new float[bias.length];
    if (parts.contains(CELLS)) {
      seen = vector(begin + CELLS, bias.length);
    }
    float scale = parts.contains(SCALE) ? vector(begin + SCALE, 1)[0] : 1;
    if (directions == 1) {
      return layer(name, packed, seen, bias, scale, 0);
    }
    return new Bidirectional(
        name,
        layer("forward", packed, seen, bias, scale, 0),
        layer("backward", packed, seen, bias, scale, 1));
  }

  private void requireHighway(String weight, int inputs, int all, int kinds) {
    if (!skips && kinds == 4) {
      throw new IllegalArgumentException(
          "%s has 4 columns a unit, one of them of the highway; ask without %s"
              .formatted(weight, LayerRequest.Option.NO_SKIP.word()));
    }
    if (skips && kinds == 3 && inputs != all) {
      throw new IllegalArgumentException(
          "%s has 3 columns a unit and reads %d values for %d units, so it has no highway; ask with %s"
              .formatted(weight, inputs, all, LayerRequest.Option.NO_SKIP.word()));
    }
  }

  private float[] vector(String part, int length) {
    String name = request.tensor(part);
    float[] values = dict.parameters().vector(name).toFloats();
    if (values.length != length) {
      throw new IllegalArgumentException(
          "%s has %d values; expected %d".formatted(name, values.length, length));
    }
    return values;
  }

  /** The weight, a projection multiplied into it: both are linear, so they are one matrix. */
  private Packed packed(String begin, Parameter weight, Set<String> parts) {
    int inner = weight.rows();
    int columns = weight.columns();
    float[] values = weight.toFloats();
    if (!parts.contains(PROJECTION)) {
      return new Packed(weight.name(), inner, columns, values);
    }
    Parameter projection = dict.matrix(request, begin + PROJECTION);
    if (projection.columns() != inner) {
      throw new IllegalArgumentException(
          "%s is %d x %d and %s has %d rows; there must be as many as columns of the projection"
              .formatted(
                  projection.name(),
                  projection.rows(),
                  projection.columns(),
                  weight.name(),
                  inner));
    }
    int inputs = projection.rows();
    float[] left = projection.toFloats();
    float[] product = new float[Math.multiplyExact(inputs, columns)];
    double[] row = new double[columns];
    for (int i = 0; i < inputs; i++) {
      Arrays.fill(row, 0);
      for (int p = 0; p < inner; p++) {
        double factor = left[i * inner + p];
        for (int j = 0; j < columns; j++) {
          row[j] += factor * values[p * columns + j];
        }
      }
      for (int j = 0; j < columns; j++) {
        product[i * columns + j] = (float) row[j];
      }
    }
    return new Packed(weight.name(), inputs, columns, product);
  }

  private Sru layer(
      String name, Packed packed, float[] seen, float[] bias, float scale, int direction) {
    int all = bias.length / 2;
    int units = all / directions;
    int kinds = packed.columns() / all;
    Slice slice = new Slice(packed, units, kinds, direction);
    boolean recurrent = false;
    for (float v : seen) {
      recurrent |= v != 0;
    }
    int forgetAt = direction * units;
    int resetAt = all + direction * units;
    Sru.Gate forget = gate(slice.matrix(1), seen, bias, forgetAt, recurrent);
    Sru.Gate reset = gate(slice.matrix(2), seen, bias, resetAt, recurrent);
    Sru.Highway highway;
    if (!skips) {
      highway = new Sru.Highway.GateOnly(reset);
    } else if (kinds == 4) {
      highway = new Sru.Highway.FromMatrix(reset, slice.matrix(3));
    } else if (directions == 1) {
      highway = new Sru.Highway.FromInput(reset, scale);
    } else {
      highway = new Sru.Highway.FromMatrix(reset, part(packed, units, scale, direction));
    }
    return new Sru(
        name,
        slice.matrix(0),
        forget,
        highway,
        (Activation.Elementwise) request.activation().orElse(Activation.LINEAR));
  }

  private Sru.Gate gate(Matrix w, float[] seen, float[] bias, int at, boolean recurrent) {
    int units = w.rows();
    return new Sru.Gate(
        w,
        recurrent ? Optional.of(vector(CELLS, seen, at, units)) : Optional.empty(),
        vector(BIAS, bias, at, units));
  }

  private Matrix vector(String name, float[] values, int at, int length) {
    return Matrix.vector(request.tensor(name), Arrays.copyOfRange(values, at, at + length));
  }

  /** A direction's part of the input times the scale; each sum has one term, so it is exact. */
  private static Matrix part(Packed packed, int units, float scale, int direction) {
    float[] values = new float[units * packed.inputs()];
    for (int j = 0; j < units; j++) {
      values[j * packed.inputs() + direction * units + j] = scale;
    }
    return Matrix.of(packed.name(), units, packed.inputs(), values);
  }

  /** A weight as it is in the file: a row an input. */
  private record Packed(String name, int inputs, int columns, float[] values) {}

  /** One direction of a weight. */
  private record Slice(Packed packed, int units, int kinds, int direction) {
    /** Column {@code kind} of each unit, a row a unit. */
    Matrix matrix(int kind) {
      int inputs = packed.inputs();
      float[] matrix = new float[units * inputs];
      for (int j = 0; j < units; j++) {
        int column = (direction * units + j) * kinds + kind;
        for (int i = 0; i < inputs; i++) {
          matrix[j * inputs + i] = packed.values()[i * packed.columns() + column];
        }
      }
      return Matrix.of(packed.name(), units, inputs, matrix);
    }
  }
}

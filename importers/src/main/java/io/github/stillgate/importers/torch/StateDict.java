package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.GruOrder;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.RecurrenceClip;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedGru;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UpdateConvention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A state dict of PyTorch in a safetensors file. Shapes decide how wide a layer is, how many are
 * stacked, whether they read from both ends and whether an LSTM has a projection; what a module is
 * has to be said, by a {@link LayerRequest}.
 *
 * <p>An SRU is read by {@link SruModule}.
 *
 * <p>PyTorch's gates: GRU r, z, n with z weighing the old state and the reset behind the matrix and
 * its bias; LSTM i, f, g, o.
 */
public final class StateDict {
  /** Of these a message names each. */
  private static final int MOST_PREFIXES = 8;

  private final WeightsFile file;
  private final Set<String> used = new HashSet<>();

  private StateDict(WeightsFile file) {
    this.file = file;
  }

  /**
   * A network and what it left behind.
   *
   * @param model the network
   * @param unused names of the file's tensors that no layer used, sorted
   */
  public record Import(Model model, List<String> unused) {}

  /**
   * Takes over the modules of {@code requests}, the one that reads the input first.
   *
   * @param vocabulary the characters it reads, if it reads characters
   * @throws WeightsFormatException if a tensor is missing, or of a layer or a direction only some
   *     are there, or one has another shape than its module would have, or a weight is not finite
   * @throws IllegalArgumentException if the widths of neighbours do not fit
   */
  public static Import read(
      WeightsFile file, List<LayerRequest> requests, Optional<Vocabulary> vocabulary) {
    StateDict dict = new StateDict(file);
    List<Layer> layers = new ArrayList<>();
    for (LayerRequest request : requests) {
      try {
        layers.addAll(dict.layers(request));
      } catch (IllegalArgumentException e) {
        throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
      }
    }
    Model model = vocabulary.isPresent() ? new Model(layers, vocabulary.get()) : new Model(layers);
    Set<String> unused = new TreeSet<>(file.tensors().keySet());
    unused.removeAll(dict.used);
    return new Import(model, List.copyOf(unused));
  }

  private List<Layer> layers(LayerRequest request) {
    return switch (request.kind()) {
      case EMBEDDING -> {
        Tensor table = matrix(request, "weight");
        yield List.of(new Embedding(request.layerName(), Matrix.of(table)));
      }
      case LINEAR -> List.of(linear(request));
      case GRU, LSTM, RNN -> recurrent(request);
      case SRU -> new SruModule(this, request).layers();
    };
  }

  private Dense linear(LayerRequest request) {
    Tensor w = matrix(request, "weight");
    String bias = request.tensor("bias");
    float[] b = optionalVector(bias, rows(w)).orElseGet(() -> new float[rows(w)]);
    return new Dense(
        request.layerName(),
        Matrix.of(w),
        Matrix.vector(bias, b),
        request.activation().orElse(Activation.LINEAR));
  }

  private List<Layer> recurrent(LayerRequest request) {
    RecurrentTensors tensors = RecurrentTensors.of(file, request);
    if (tensors.layers() == 0) {
      // Says what there is instead.
      matrix(request, "weight_ih_l0");
    }
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < tensors.layers(); i++) {
      String name = tensors.layers() > 1 ? request.layerName() + ".l" + i : request.layerName();
      layers.add(
          tensors.bidirectional()
              ? new Bidirectional(
                  name, cell(request, "forward", i, ""), cell(request, "backward", i, "_reverse"))
              : cell(request, name, i, ""));
    }
    return layers;
  }

  private Layer cell(LayerRequest request, String name, int layer, String direction) {
    String suffix = "_l" + layer + direction;
    int gateCount =
        switch (request.kind()) {
          case GRU -> 3;
          case LSTM -> 4;
          default -> 1;
        };
    StackedGates gates = gates(request, suffix, gateCount);
    return switch (request.kind()) {
      case GRU ->
          new StackedGru(
                  gates,
                  GruOrder.R_Z_C,
                  UpdateConvention.WEIGHS_OLD_STATE,
                  true,
                  Activation.SIGMOID,
                  Activation.TANH)
              .toLayer(name);
      case LSTM ->
          new StackedLstm(
                  gates,
                  LstmOrder.I_F_G_O,
                  false,
                  Optional.empty(),
                  projection(request, "weight_hr" + suffix, gates),
                  Lstm.Activations.STANDARD)
              .toLayer(name);
      default -> {
        Sums sums = gates.only(name);
        boolean relu = request.activation().equals(Optional.of(Activation.RELU));
        yield new SimpleRnn(
            name,
            sums.w(),
            sums.u(),
            sums.b(),
            relu ? RecurrenceClip.bounded(Activation.RELU) : Activation.TANH);
      }
    };
  }

  private StackedGates gates(LayerRequest request, String suffix, int gateCount) {
    Tensor w = matrix(request, "weight_ih" + suffix);
    Tensor u = matrix(request, "weight_hh" + suffix);
    String projection = "weight_hr" + suffix;
    boolean projected = file.tensors().containsKey(request.tensor(projection));
    int units = projected ? columns(matrix(request, projection)) : columns(u);
    if (rows(u) != (long) gateCount * units || rows(w) != rows(u)) {
      throw new IllegalArgumentException(
          "%s is %d x %d and %s is %d x %d; %d gates of %d units make %d rows each%s"
              .formatted(
                  w.name(),
                  rows(w),
                  columns(w),
                  u.name(),
                  rows(u),
                  columns(u),
                  gateCount,
                  units,
                  (long) gateCount * units,
                  guess(rows(w), columns(w), rows(u), columns(u))));
    }
    String first = request.tensor("bias_ih" + suffix);
    String second = request.tensor("bias_hh" + suffix);
    Optional<float[]> inputBias = optionalVector(first, rows(w));
    Optional<float[]> stateBias = optionalVector(second, rows(w));
    return new StackedGates(
        columns(w), units, columns(u), w.toFloats(), u.toFloats(), inputBias, stateBias);
  }

  /** What the shapes look like instead. */
  private static String guess(int wRows, int wColumns, int uRows, int uColumns) {
    String[] kinds = {"", "an rnn", "", "a gru", "an lstm"};
    if (uColumns > uRows && uColumns % uRows == 0 && wColumns == uColumns) {
      return ": they look transposed";
    }
    int gates = uRows / uColumns;
    return wRows == uRows
            && gates * uColumns == uRows
            && gates < kinds.length
            && !kinds[gates].isEmpty()
        ? ": this looks like " + kinds[gates]
        : "";
  }

  private Optional<Matrix> projection(LayerRequest request, String part, StackedGates gates) {
    if (!file.tensors().containsKey(request.tensor(part))) {
      return Optional.empty();
    }
    Tensor wp = matrix(request, part);
    return Optional.of(Matrix.of(wp.name(), gates.outputs(), gates.units(), wp.toFloats()));
  }

  /** The matrix that is the module's tensor {@code part}; it counts as used. */
  Tensor matrix(LayerRequest request, String part) {
    String name = request.tensor(part);
    if (!file.tensors().containsKey(name)) {
      prefixes(part)
          .ifPresent(prefixes -> {
            throw new IllegalArgumentException(
                "has no tensor \"%s\"; with another prefix there are %s, so ask for %s:%s"
                    .formatted(
                        name,
                        prefixes.stream().map(p -> p.isEmpty() ? part : p + "." + part).toList(),
                        request.kind().name().toLowerCase(Locale.ROOT),
                        nearest(prefixes, request.prefix())));
          });
    }
    Tensor tensor = file.tensor(name);
    long[] shape = tensor.shape();
    if (shape.length != 2 || tensor.elements() == 0) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected a matrix that is not empty"
              .formatted(name, Arrays.toString(shape)));
    }
    if (shape[0] > Integer.MAX_VALUE || shape[1] > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s has shape %s; supported are extents below 2^31"
              .formatted(name, Arrays.toString(shape)));
    }
    used.add(name);
    return tensor;
  }

  /** Prefixes under which the file has {@code part}; empty if there is none. */
  private Optional<List<String>> prefixes(String part) {
    List<String> prefixes =
        file.tensors().keySet().stream()
            .filter(tensor -> tensor.equals(part) || tensor.endsWith("." + part))
            .map(tensor ->
                tensor.equals(part) ? "" : tensor.substring(0, tensor.length() - part.length() - 1))
            .limit(MOST_PREFIXES)
            .toList();
    return prefixes.isEmpty() ? Optional.empty() : Optional.of(prefixes);
  }

  /** As wrappers put something before ({@code module.}, {@code _orig_mod.}), or else the first. */
  private static String nearest(List<String> prefixes, String asked) {
    return prefixes.stream()
        .filter(prefix -> prefix.endsWith("." + asked))
        .findFirst()
        .orElse(prefixes.getFirst());
  }

  /** Names of all tensors. */
  Set<String> names() {
    return file.tensors().keySet();
  }

  /** Whether a layer has read that tensor. */
  boolean hasUsed(String name) {
    return used.contains(name);
  }

  /** The vector of that name, which is there, of any length; it counts as used. */
  float[] vector(String name) {
    Tensor tensor = file.tensor(name);
    if (tensor.shape().length != 1) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected a vector".formatted(name, Arrays.toString(tensor.shape())));
    }
    used.add(name);
    return tensor.toFloats();
  }

  private Optional<float[]> optionalVector(String name, int length) {
    if (!file.tensors().containsKey(name)) {
      return Optional.empty();
    }
    Tensor tensor = file.tensor(name);
    if (!Arrays.equals(tensor.shape(), new long[] {length})) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected [%d]"
              .formatted(name, Arrays.toString(tensor.shape()), length));
    }
    used.add(name);
    return Optional.of(tensor.toFloats());
  }

  static int rows(Tensor tensor) {
    return Math.toIntExact(tensor.shape()[0]);
  }

  static int columns(Tensor tensor) {
    return Math.toIntExact(tensor.shape()[1]);
  }
}

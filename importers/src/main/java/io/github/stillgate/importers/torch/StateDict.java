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
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.GruOrder;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedGru;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UpdateConvention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A state dict of PyTorch in a safetensors file. Shapes decide how wide a layer is, how many are
 * stacked, whether they read from both ends and whether an LSTM has a projection; what a module is
 * has to be said, by a {@link LayerRequest}.
 *
 * <p>PyTorch's gates: GRU r, z, n with z weighing the old state and the reset behind the matrix and
 * its bias; LSTM i, f, g, o.
 */
public final class StateDict {
  /**
   * Above every sum that float32 networks work with, and far enough from overflow: a recurrence
   * with relu computes the same with this clip, but cannot run away.
   */
  private static final float RELU_CLIP = 0x1p60f;

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
   * @throws WeightsFormatException if a tensor is missing or has another shape than its module
   *     would have, or a weight is not finite
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
    String prefix = request.prefix();
    return switch (request.kind()) {
      case EMBEDDING -> {
        Tensor table = matrix(prefix + ".weight");
        yield List.of(
            new Embedding(
                prefix, Matrix.of(table.name(), rows(table), columns(table), table.toFloats())));
      }
      case LINEAR -> List.of(linear(prefix, request.activation().orElse(Activation.LINEAR)));
      case GRU, LSTM, RNN -> recurrent(request);
    };
  }

  private Dense linear(String prefix, Activation activation) {
    Tensor w = matrix(prefix + ".weight");
    float[] b = optionalVector(prefix + ".bias", rows(w)).orElseGet(() -> new float[rows(w)]);
    return new Dense(
        prefix,
        Matrix.of(w.name(), rows(w), columns(w), w.toFloats()),
        Matrix.vector(prefix + ".bias", b),
        activation);
  }

  private List<Layer> recurrent(LayerRequest request) {
    List<Layer> layers = new ArrayList<>();
    String prefix = request.prefix();
    for (int i = 0; i == 0 || has(prefix, i, ""); i++) {
      String name = has(prefix, 1, "") ? prefix + ".l" + i : prefix;
      layers.add(
          has(prefix, i, "_reverse")
              ? new Bidirectional(
                  name, cell(request, "forward", i, ""), cell(request, "backward", i, "_reverse"))
              : cell(request, name, i, ""));
    }
    return layers;
  }

  private boolean has(String prefix, int layer, String direction) {
    return file.tensors().containsKey("%s.weight_hh_l%d%s".formatted(prefix, layer, direction));
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
                  projection(request.prefix() + ".weight_hr" + suffix, gates),
                  Lstm.Activations.STANDARD)
              .toLayer(name);
      default -> {
        Lstm.Sums sums = gates.only(name);
        boolean relu = request.activation().equals(Optional.of(Activation.RELU));
        yield new SimpleRnn(
            name,
            sums.w(),
            sums.u(),
            sums.b(),
            relu ? Activation.clip(RELU_CLIP).then(Activation.RELU) : Activation.TANH);
      }
    };
  }

  private StackedGates gates(LayerRequest request, String suffix, int gateCount) {
    Tensor w = matrix(request.prefix() + ".weight_ih" + suffix);
    Tensor u = matrix(request.prefix() + ".weight_hh" + suffix);
    String projection = request.prefix() + ".weight_hr" + suffix;
    boolean projected =
        request.kind() == LayerRequest.Kind.LSTM && file.tensors().containsKey(projection);
    int units = projected ? columns(matrix(projection)) : columns(u);
    if (rows(u) != gateCount * units || rows(w) != rows(u)) {
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
                  gateCount * units,
                  guess(rows(w), columns(w), rows(u), columns(u))));
    }
    String first = request.prefix() + ".bias_ih" + suffix;
    String second = request.prefix() + ".bias_hh" + suffix;
    Optional<float[]> inputBias = optionalVector(first, rows(w));
    Optional<float[]> stateBias = optionalVector(second, rows(w));
    if (inputBias.isPresent() != stateBias.isPresent()) {
      throw new IllegalArgumentException(
          "%s is there and %s is not; PyTorch writes both or none"
              .formatted(
                  inputBias.isPresent() ? first : second, inputBias.isPresent() ? second : first));
    }
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

  private Optional<Matrix> projection(String name, StackedGates gates) {
    if (!file.tensors().containsKey(name)) {
      return Optional.empty();
    }
    Tensor wp = matrix(name);
    return Optional.of(Matrix.of(name, gates.outputs(), gates.units(), wp.toFloats()));
  }

  private Tensor matrix(String name) {
    Tensor tensor = file.tensor(name);
    if (tensor.shape().length != 2 || tensor.elements() == 0) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected a matrix that is not empty"
              .formatted(name, Arrays.toString(tensor.shape())));
    }
    used.add(name);
    return tensor;
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

  private static int rows(Tensor tensor) {
    return Math.toIntExact(tensor.shape()[0]);
  }

  private static int columns(Tensor tensor) {
    return Math.toIntExact(tensor.shape()[1]);
  }
}

package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
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
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A state dict of PyTorch in a safetensors file. Shapes decide how wide a layer is, how many are
 * stacked, whether they read from both ends and whether an LSTM has a projection; what a module is
 * has to be said, by a {@link LayerRequest}.
 *
 * <p>Weight norm, spectral norm and pruning masks are folded into the weights, and batch norms into
 * the dense layers beside them, in float64; the result is rounded to float32 once, as float64
 * tensors are. Names of tied weights lead to the tensor they share. A prefix may lack what wrappers
 * put into the names ({@code module}, {@code model}, {@code _orig_mod}), as long as that leaves one
 * module to be meant.
 *
 * <p>An SRU is read by {@link SruModule}.
 *
 * <p>PyTorch's gates: GRU r, z, n with z weighing the old state and the reset behind the matrix and
 * its bias; LSTM i, f, g, o.
 */
public final class StateDict {
  private final Parameters parameters;
  private final LayerChain chain = new LayerChain();
  private final List<String> remarks = new ArrayList<>();

  private StateDict(Parameters parameters) {
    this.parameters = parameters;
  }

  /**
   * A network and what it left behind.
   *
   * @param model the network
   * @param unused names of the file's tensors that no layer used, sorted
   * @param remarks what was decided or folded on the way, a sentence each: where a prefix was
   *     found, which weights are tied, computed of others, or rounded
   */
  public record Import(Model model, List<String> unused, List<String> remarks) {}

  /**
   * Takes over the modules of {@code requests}, the one that reads the input first, whatever else
   * the file has.
   *
   * @param vocabulary the characters it reads, if it reads characters
   * @throws WeightsFormatException if a tensor is missing, or of a layer or a direction only some
   *     are there, or one has another shape than its module would have, or a weight is not finite
   * @throws IllegalArgumentException if the widths of neighbours do not fit
   */
  public static Import read(
      WeightsFile file, List<LayerRequest> requests, Optional<Vocabulary> vocabulary) {
    return read(file, requests, vocabulary, Map.of(), Optional.empty());
  }

  /**
   * Takes over a whole network: every tensor of floating-point numbers that the file has is used,
   * or named in {@code ignored}.
   *
   * @param vocabulary the characters it reads, if it reads characters
   * @param tied names of parameters that are not in the file because they are stored under another
   *     name, with that name; {@code safetensors.torch.save_model} writes such pairs to the
   *     metadata of the file, which count too
   * @param ignored names of tensors, or of modules with all that is below them, to be left out
   * @throws WeightsFormatException as {@link #read} does; or if a weight is neither used nor
   *     ignored, {@code ignored} names what is used or not there, or {@code tied} does not fit the
   *     file
   * @throws IllegalArgumentException if the widths of neighbours do not fit
   */
  public static Import readWhole(
      WeightsFile file,
      List<LayerRequest> requests,
      Optional<Vocabulary> vocabulary,
      Map<String, String> tied,
      Collection<String> ignored) {
    return read(file, requests, vocabulary, tied, Optional.of(ignored));
  }

  private static Import read(
      WeightsFile file,
      List<LayerRequest> requests,
      Optional<Vocabulary> vocabulary,
      Map<String, String> tied,
      Optional<Collection<String>> ignored) {
    Parameters parameters = named(file, () -> new Parameters(file, tied));
    StateDict dict = new StateDict(parameters);
    requests.forEach(request -> named(file, () -> dict.add(request)));
    List<Layer> layers = named(file, dict.chain::layers);
    Model model = vocabulary.isPresent() ? new Model(layers, vocabulary.get()) : new Model(layers);
    List<Tensor> unused = parameters.unused();
    ignored.ifPresent(names -> named(file, () -> LeftOver.requireNone(unused, names)));
    List<String> remarks = new ArrayList<>(dict.remarks);
    remarks.addAll(parameters.remarks());
    remarks.addAll(dict.chain.remarks());
    return new Import(model, unused.stream().map(Tensor::name).toList(), List.copyOf(remarks));
  }

  private static void named(WeightsFile file, Runnable reading) {
    named(
        file,
        () -> {
          reading.run();
          return file;
        });
  }

  /** The name of the file begins all messages about it. */
  private static <T> T named(WeightsFile file, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  private void add(LayerRequest asked) {
    LayerRequest request =
        asked.kind() == LayerRequest.Kind.ACTIVATION ? asked : withPrefixOfTheFile(asked);
    switch (request.kind()) {
      case EMBEDDING ->
          chain.add(new Embedding(request.layerName(), matrix(request, "weight").toMatrix()));
      case LINEAR, CONV1D -> chain.add(product(request));
      case BATCH_NORM -> chain.add(BatchNorm.read(parameters, request));
      case ACTIVATION -> chain.add(request.layerName(), request.activation().orElseThrow());
      case GRU, LSTM, RNN -> recurrent(request).forEach(chain::add);
      case SRU -> new SruModule(this, request).layers().forEach(chain::add);
    }
  }

  private LayerRequest withPrefixOfTheFile(LayerRequest asked) {
    LayerRequest request = asked.withPrefix(ModulePrefix.of(asked, parameters.names()));
    if (!request.prefix().equals(asked.prefix())) {
      remarks.add(
          request.prefix().isEmpty()
              ? "%s is read from tensors without a prefix".formatted(asked)
              : "%s is read from %s".formatted(asked, request.prefix()));
    }
    return request;
  }

  private Product product(LayerRequest request) {
    Parameter w = weight(request);
    String bias = request.tensor("bias");
    double[] b =
        parameters.has(bias) ? parameters.vector(bias, w.rows()).toDoubles() : new double[w.rows()];
    return Product.of(request.layerName(), w, b, request.activation().orElse(Activation.LINEAR));
  }

  /** A matrix, or outputs x inputs x 1 of a convolution that reads one step. */
  private Parameter weight(LayerRequest request) {
    String name = request.tensor("weight");
    requireThere(request, name);
    Parameter weight = parameters.get(name);
    long[] shape = weight.shape();
    boolean isConvolution = shape.length == 3;
    if (isConvolution && shape[2] != 1) {
      throw new IllegalArgumentException(
          "%s has shape %s: a convolution with a kernel of %d steps, which no layer of a chain computes;"
                  .formatted(name, Arrays.toString(shape), shape[2])
              + " supported is a kernel of 1. Export the whole network to ONNX, of which wider kernels are"
              + " read (docs/onnx.md)");
    }
    if (request.kind() == LayerRequest.Kind.CONV1D && !isConvolution) {
      throw new IllegalArgumentException(
          "%s has shape %s; expected [outputs, inputs, 1] of a Conv1d, or ask for linear:%s"
              .formatted(name, Arrays.toString(shape), request.prefix()));
    }
    return requireMatrix(weight, isConvolution ? 3 : 2);
  }

  private List<Layer> recurrent(LayerRequest request) {
    RecurrentTensors tensors = RecurrentTensors.of(parameters.names(), request);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < tensors.layers(); i++) {
      String name = tensors.layers() > 1 ? request.layerName() + ".l" + i : request.layerName();
      String forward = tensors.suffix(i, RecurrentTensors.FORWARD);
      layers.add(
          tensors.bidirectional()
              ? new Bidirectional(
                  name,
                  cell(request, "forward", forward),
                  cell(request, "backward", tensors.suffix(i, RecurrentTensors.REVERSE)))
              : cell(request, name, forward));
    }
    return layers;
  }

  private Layer cell(LayerRequest request, String name, String suffix) {
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
    Parameter w = matrix(request, "weight_ih" + suffix);
    Parameter u = matrix(request, "weight_hh" + suffix);
    String projection = "weight_hr" + suffix;
    boolean projected = parameters.has(request.tensor(projection));
    int units = projected ? matrix(request, projection).columns() : u.columns();
    if (u.rows() != (long) gateCount * units || w.rows() != u.rows()) {
      throw new IllegalArgumentException(
          "%s is %d x %d and %s is %d x %d; %d gates of %d units make %d rows each%s"
              .formatted(
                  w.name(),
                  w.rows(),
                  w.columns(),
                  u.name(),
                  u.rows(),
                  u.columns(),
                  gateCount,
                  units,
                  (long) gateCount * units,
                  guess(w.rows(), w.columns(), u.rows(), u.columns())));
    }
    String first = request.tensor("bias_ih" + suffix);
    String second = request.tensor("bias_hh" + suffix);
    Optional<float[]> inputBias = optional(first, w.rows());
    Optional<float[]> stateBias = optional(second, w.rows());
    return new StackedGates(
        w.columns(), units, u.columns(), w.toFloats(), u.toFloats(), inputBias, stateBias);
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
    if (!parameters.has(request.tensor(part))) {
      return Optional.empty();
    }
    Parameter wp = matrix(request, part);
    return Optional.of(Matrix.of(wp.name(), gates.outputs(), gates.units(), wp.toFloats()));
  }

  /** The matrix that is the module's tensor {@code part}; it counts as used. */
  Parameter matrix(LayerRequest request, String part) {
    String name = request.tensor(part);
    requireThere(request, name);
    return requireMatrix(parameters.get(name), 2);
  }

  /** Says of a weight that is missing though its module is there how it may be tied. */
  private void requireThere(LayerRequest request, String name) {
    if (!parameters.has(name)) {
      throw new IllegalArgumentException(
          "has no tensor %s, though it has others of %s; if the weight is tied to that of another"
                  .formatted(name, request)
              + " module and stored once, --tie %s=NAME says where".formatted(name));
    }
  }

  private static Parameter requireMatrix(Parameter parameter, int dimensions) {
    long[] shape = parameter.shape();
    String is = "%s has shape %s".formatted(parameter.name(), Arrays.toString(shape));
    if (shape.length != dimensions || Arrays.stream(shape).anyMatch(extent -> extent == 0)) {
      throw new IllegalArgumentException(is + "; expected a matrix that is not empty");
    }
    if (shape[0] > Integer.MAX_VALUE || shape[1] > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(is + "; supported are extents below 2^31");
    }
    return parameter;
  }

  private Optional<float[]> optional(String name, int length) {
    return parameters.has(name)
        ? Optional.of(parameters.vector(name, length).toFloats())
        : Optional.empty();
  }

  Parameters parameters() {
    return parameters;
  }
}

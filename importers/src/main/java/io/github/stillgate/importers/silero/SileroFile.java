package io.github.stillgate.importers.silero;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedLstm;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Silero VAD, versions 5 and 6, as weights alone in safetensors, {@code silero_vad_16k.safetensors}
 * for one. The K values of a row of {@code stft_conv} say the rate, 256 at 16 kHz and 128 at 8 kHz;
 * a step reads the last K / 4 samples of the chunk before and 2 K new ones:
 *
 * <pre>
 *   frames    = input, and K / 4 samples behind it mirrored at the last one
 *   stft_conv = convolution(frames), K / 2 samples from one position to the next, 4 positions
 *   magnitude = sqrt(re^2 + im^2)        of its first K / 2 + 1 channels and of the others
 *   conv1     = relu(convolution(magnitude))          stride 1, 4 positions
 *   conv2     = relu(convolution(conv1))              stride 2, 2 positions
 *   conv3     = relu(convolution(conv2))              stride 2, 1 position
 *   conv4     = relu(convolution(conv3))              stride 1, 1 position
 *   lstm_cell = lstm(conv4)
 *   output    = sigmoid(final_conv(relu(lstm_cell)))
 * </pre>
 *
 * <p>Convolutions 1 to 4 have a kernel of 3 and a zero at either end. Silero takes the mean over
 * the positions of the output, of which there is one. The model reads {@code input} and gives
 * {@code output}, the probability of speech, as in the ONNX files of the same network; numbers of
 * channels and of cells are those of the tensors.
 *
 * <p>Source: silero_vad.onnx and silero_vad_16k_op15.onnx of github.com/snakers4/silero-vad.
 */
public final class SileroFile {
  /**
   * The spectrum of samples of a rate.
   *
   * @param hertz samples a second
   * @param kernel K
   */
  private record Spectrum(int hertz, int kernel) {
    int bins() {
      return kernel / 2 + 1;
    }

    int stride() {
      return kernel / 2;
    }

    /** Samples of the chunk before, and samples mirrored. */
    int overlap() {
      return kernel / 4;
    }

    int chunk() {
      return 2 * kernel;
    }

    int width() {
      return overlap() + chunk();
    }

    int positions() {
      return (width() + overlap() - kernel) / stride() + 1;
    }
  }

  /**
   * A convolution.
   *
   * @param name before the names of its tensors
   * @param stride positions of what it reads from one of its own to the next
   */
  private record Convolution(String name, int stride) {}

  /**
   * What a convolution reads or gives: all channels of a position, then those of the next.
   *
   * @param name of the value
   */
  private record Signal(String name, int channels, int positions) {}

  private static final String STFT = "stft_conv.weight";

  private static final List<Spectrum> SPECTRA =
      List.of(new Spectrum(16_000, 256), new Spectrum(8_000, 128));

  private static final int KERNEL = 3;

  private static final List<Convolution> CONVOLUTIONS =
      List.of(
          new Convolution("conv1", 1),
          new Convolution("conv2", 2),
          new Convolution("conv3", 2),
          new Convolution("conv4", 1));

  private static final Set<String> NAMES =
      Set.of(
          STFT,
          "conv1.weight",
          "conv1.bias",
          "conv2.weight",
          "conv2.bias",
          "conv3.weight",
          "conv3.bias",
          "conv4.weight",
          "conv4.bias",
          "lstm_cell.weight_ih",
          "lstm_cell.weight_hh",
          "lstm_cell.bias_ih",
          "lstm_cell.bias_hh",
          "final_conv.weight",
          "final_conv.bias");

  private static final int GATES = 4;

  private final SileroTensors tensors;
  private final Graph.Builder graph = Graph.builder();

  private SileroFile(SileroTensors tensors) {
    this.tensors = tensors;
  }

  /**
   * Whether there is a {@code stft_conv.weight}; the other names are such as any network may have.
   */
  public static boolean isOne(WeightsFile file) {
    return file.tensors().containsKey(STFT);
  }

  /**
   * The network in a file, which may be closed afterwards.
   *
   * @throws WeightsFormatException if a tensor is missing, is none of this network, has another
   *     shape or type than the others ask for, or holds a value that is not finite
   */
  public static ImportedNetwork read(WeightsFile file) {
    try {
      SileroFile silero = new SileroFile(new SileroTensors(file, NAMES));
      Spectrum spectrum = silero.spectrum();
      return new ImportedNetwork(
          new Model(silero.graph(spectrum)),
          List.of(
              "a step is one chunk of Silero VAD at %d Hz: it reads the last %d samples of the chunk before and %d new ones, and gives the probability of speech"
                  .formatted(spectrum.hertz(), spectrum.overlap(), spectrum.chunk())));
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  private Spectrum spectrum() {
    int kernel = tensors.extent(STFT, 3, 2);
    return SPECTRA.stream()
        .filter(each -> each.kernel() == kernel)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "tensor %s has rows of %d values; expected 256 (16 kHz) or 128 (8 kHz)"
                    .formatted(STFT, kernel)));
  }

  private Graph graph(Spectrum spectrum) {
    graph.input("input", spectrum.width());
    Signal signal = magnitude(spectrum);
    for (Convolution convolution : CONVOLUTIONS) {
      signal = add(convolution, signal);
    }
    int cells = tensors.extent("lstm_cell.weight_hh", 2, 1);
    graph
        .node(lstm(signal.channels(), cells), signal.name())
        .node(new Elementwise("relu", cells, Activation.RELU), "lstm_cell")
        .node(
            new Dense(
                "output",
                Matrix.of("output.W", 1, cells, tensors.values("final_conv.weight", 1, cells, 1)),
                Matrix.vector("output.b", tensors.values("final_conv.bias", 1)),
                Activation.SIGMOID),
            "relu")
        .output("output");
    return graph.build();
  }

  private Signal magnitude(Spectrum spectrum) {
    int kernel = spectrum.kernel();
    int bins = spectrum.bins();
    int channels = 2 * bins;
    int positions = spectrum.positions();
    int last = spectrum.width() - 1;
    graph
        .node(
            IndexMap.of(
                "frames",
                spectrum.width(),
                positions * kernel,
                i -> last - Math.abs(last - (i / kernel * spectrum.stride() + i % kernel))),
            "input")
        .node(
            new Positions(
                "stft_conv",
                positions,
                1,
                Matrix.of(
                    "stft_conv.W", channels, kernel, tensors.values(STFT, channels, 1, kernel)),
                Matrix.vector("stft_conv.b", new float[channels]),
                Activation.LINEAR),
            "frames")
        .node(
            new Combine("squares", positions * channels, Combine.Kind.MULTIPLY),
            "stft_conv",
            "stft_conv")
        .node(part("re_squares", 0, bins, positions), "squares")
        .node(part("im_squares", bins, bins, positions), "squares")
        .node(new Combine("power", positions * bins, Combine.Kind.ADD), "re_squares", "im_squares")
        .node(
            new Elementwise(
                "magnitude",
                positions * bins,
                Activation.LINEAR.then(Activation.Function.SQRT, 0, 0)),
            "power");
    return new Signal("magnitude", bins, positions);
  }

  /** The {@code bins} channels from {@code first} on, of twice as many, at each position. */
  private static IndexMap part(String name, int first, int bins, int positions) {
    return IndexMap.of(
        name, positions * 2 * bins, positions * bins, i -> i / bins * 2 * bins + first + i % bins);
  }

  private Signal add(Convolution convolution, Signal reads) {
    String name = convolution.name();
    String weight = name + ".weight";
    int outputs = tensors.extent(weight, 3, 0);
    int positions = (reads.positions() - 1) / convolution.stride() + 1;
    int columns = reads.channels() * KERNEL;
    Matrix w =
        Matrix.of(
            name + ".W",
            outputs,
            columns,
            tensors.values(weight, outputs, reads.channels(), KERNEL));
    Matrix b = Matrix.vector(name + ".b", tensors.values(name + ".bias", outputs));
    graph
        .node(windows(name + ".windows", reads, positions, convolution.stride()), reads.name())
        .node(
            positions == 1
                ? new Dense(name, w, b, Activation.RELU)
                : new Positions(name, positions, 1, w, b, Activation.RELU),
            name + ".windows");
    return new Signal(name, outputs, positions);
  }

  /** For each position and channel the values under the kernel, zeros beyond the ends. */
  private static IndexMap windows(String name, Signal reads, int positions, int stride) {
    int columns = reads.channels() * KERNEL;
    return IndexMap.of(
        name,
        reads.channels() * reads.positions(),
        positions * columns,
        i -> {
          int at = i / columns * stride + i % KERNEL - KERNEL / 2;
          int channel = i % columns / KERNEL;
          return at < 0 || at >= reads.positions() ? -1 : at * reads.channels() + channel;
        });
  }

  private Lstm lstm(int inputs, int cells) {
    int rows = GATES * cells;
    return new StackedLstm(
            new StackedGates(
                inputs,
                cells,
                cells,
                tensors.values("lstm_cell.weight_ih", rows, inputs),
                tensors.values("lstm_cell.weight_hh", rows, cells),
                Optional.of(tensors.values("lstm_cell.bias_ih", rows)),
                Optional.of(tensors.values("lstm_cell.bias_hh", rows))),
            LstmOrder.I_F_G_O,
            false,
            Optional.empty(),
            Optional.empty(),
            Lstm.Activations.STANDARD)
        .toLayer("lstm_cell");
  }
}

package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.FileKind;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.keras.KerasFile;
import io.github.stillgate.importers.nam.NamFile;
import io.github.stillgate.importers.onnx.OnnxFile;
import io.github.stillgate.importers.rnnoise.RnnoiseFile;
import io.github.stillgate.importers.rtneural.RtneuralFile;
import io.github.stillgate.importers.silero.SileroFile;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of {@code convert} that say what its source is, and the reading of it. */
final class ImportOptions {
  /** Largest error of a proof's replay where nothing else is said. */
  static final double TOLERANCE = 1e-5;

  private static final String ONLY_PYTORCH =
      "--ignore and --tie are for PyTorch state dicts, with --layers";

  @Option(
      names = "--layers",
      paramLabel = "LIST",
      description = "what a PyTorch state dict holds, or a .json file that says it")
  private @Nullable String layers;

  @Option(
      names = "--ignore",
      paramLabel = "NAME",
      split = ",",
      description =
          "a module or a tensor of a PyTorch state dict that is left out on purpose; a weight that is neither"
              + " used nor left out is refused")
  private List<String> ignored = List.of();

  @Option(
      names = "--tie",
      paramLabel = "NAME=TENSOR",
      split = ",",
      description =
          "a parameter of a PyTorch state dict that is stored once, under the name of the other that shares"
              + " it")
  private Map<String, String> tied = Map.of();

  @Option(
      names = "--node",
      paramLabel = "NAME",
      description = "the one node of an .onnx file to take; the whole graph if not given")
  private @Nullable String node;

  @Option(
      names = "--set",
      paramLabel = "INPUT=VALUE",
      description =
          "an input of an .onnx graph that is a constant from now on, such as a sample rate that"
              + " decides which branch of an If is taken; several numbers stand with commas between"
              + " them")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--state",
      paramLabel = "INPUT=OUTPUT",
      description =
          "an output of an .onnx graph that gives back the states that an input holds: what it gives in a"
              + " step is what the input holds in the next. Those of recurrent layers are found, and others,"
              + " such as what a convolution keeps of the last frames, where names or values make it plain;"
              + " INPUT= leaves an input one")
  private Map<String, String> states = new LinkedHashMap<>();

  @Option(
      names = "--shape",
      paramLabel = "INPUT=SIZES",
      description =
          "sizes of an input of an .onnx graph that leaves them open, with commas between them, such as"
              + " input=1,576")
  private Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--vocabulary",
      paramLabel = "CHARACTERS",
      description = "the characters an imported network reads, if it reads characters")
  private @Nullable String vocabulary;

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec spec;

  /**
   * Reads a weights file, a state dict, an ONNX graph, or a file of another program.
   *
   * @throws IllegalArgumentException if an option is for another kind of source than this file
   * @throws ParameterException if an option needs another that is not given
   */
  ConvertSource read(Path from) throws IOException {
    FileKind kind = FileKind.of(from);
    if (isOnnx(kind, from)) {
      return readOnnx(from);
    }
    if (kind == FileKind.JSON || kind == FileKind.HDF5 || kind == FileKind.RNNOISE) {
      return readWhole(kind, from);
    }
    if (vocabulary != null && layers == null) {
      throw new ParameterException(
          spec.commandLine(), "--vocabulary is for PyTorch state dicts, with --layers");
    }
    if (layers == null && (!ignored.isEmpty() || !tied.isEmpty())) {
      throw new ParameterException(spec.commandLine(), ONLY_PYTORCH);
    }
    if (node != null) {
      throw new IllegalArgumentException("--node is for .onnx files; %s is none".formatted(from));
    }
    if (!settings.isEmpty() || !states.isEmpty() || !shapes.isEmpty()) {
      throw new IllegalArgumentException(
          "--set, --shape and --state are for .onnx files; %s is none".formatted(from));
    }
    try (WeightsFile file = WeightsFile.open(from)) {
      if (layers != null) {
        return layers.endsWith(".json")
            ? described(file, NetworkJson.read(Path.of(layers)))
            : pytorch(
                file,
                LayerRequest.parse(layers),
                Optional.ofNullable(vocabulary).map(Vocabulary::new));
      }
      if (!Model.describedIn(file)) {
        if (SileroFile.isOne(file)) {
          return whole(ConvertSource.Kind.silero, SileroFile.read(file));
        }
        throw new IllegalArgumentException(
            "%s: describes no network; if it is a PyTorch state dict, --layers says what is in it"
                .formatted(from));
      }
      return weights(file, Model.from(file));
    }
  }

  private static ConvertSource weights(WeightsFile file, Model model) {
    return new ConvertSource(
        ConvertSource.Kind.weights,
        model,
        Map.copyOf(file.metadata()),
        List.of(),
        List.of(),
        Optional.empty(),
        ProofVectors.carriedBy(file),
        ProofVectors.metBy(file).map(ProofVectors.Met::tolerance).orElse(TOLERANCE));
  }

  private ConvertSource described(WeightsFile file, NetworkJson network) {
    if (vocabulary != null) {
      throw new IllegalArgumentException(
          "--vocabulary is for --layers LIST; in %s it is the field \"vocabulary\""
              .formatted(layers));
    }
    if (network.modules().isPresent()) {
      return pytorch(file, network.requests(), network.modules().get().vocabulary());
    }
    if (!ignored.isEmpty() || !tied.isEmpty()) {
      throw new IllegalArgumentException(
          "%s; %s describes the tensors of a weights file".formatted(ONLY_PYTORCH, layers));
    }
    return weights(file, network.model(file));
  }

  private ConvertSource pytorch(
      WeightsFile file, List<LayerRequest> requests, Optional<Vocabulary> characters) {
    StateDict.Import imported = StateDict.readWhole(file, requests, characters, tied, ignored);
    return new ConvertSource(
        ConvertSource.Kind.pytorch,
        imported.model(),
        notes(file),
        imported.unused(),
        imported.remarks(),
        Optional.empty(),
        Optional.empty(),
        TOLERANCE);
  }

  /** What the file says of itself, but for names of its tensors, which the network has no more. */
  private static Map<String, String> notes(WeightsFile file) {
    Map<String, String> notes = new LinkedHashMap<>(file.metadata());
    notes.values().removeAll(file.tensors().keySet());
    return notes;
  }

  /** The first bytes say it; where they do not, the ending does. */
  private static boolean isOnnx(FileKind kind, Path path) {
    boolean named = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT).endsWith(".onnx");
    return kind == FileKind.ONNX || named && kind != FileKind.SAFETENSORS;
  }

  /** A file that says itself what all of its network is. */
  private ConvertSource readWhole(FileKind kind, Path from) throws IOException {
    if (layers != null || vocabulary != null || node != null) {
      throw new IllegalArgumentException(
          "--layers, --vocabulary and --node are for PyTorch state dicts in safetensors and for ONNX;"
              + " %s says itself what its layers are".formatted(from));
    }
    if (kind == FileKind.HDF5) {
      return whole(ConvertSource.Kind.keras, KerasFile.read(from));
    }
    if (kind == FileKind.RNNOISE) {
      return whole(ConvertSource.Kind.rnnoise, RnnoiseFile.read(from));
    }
    JsonFile json = JsonFile.read(from);
    return NamFile.isOne(json)
        ? whole(ConvertSource.Kind.nam, NamFile.read(json))
        : whole(ConvertSource.Kind.rtneural, RtneuralFile.read(json));
  }

  private static ConvertSource whole(ConvertSource.Kind kind, ImportedNetwork network) {
    return new ConvertSource(
        kind,
        network.model(),
        Map.of(),
        List.of(),
        network.remarks(),
        Optional.empty(),
        Optional.empty(),
        TOLERANCE);
  }

  private ConvertSource readOnnx(Path from) throws IOException {
    if (layers != null || vocabulary != null) {
      throw new IllegalArgumentException(
          "--layers and --vocabulary are for PyTorch state dicts; %s is an ONNX file"
              .formatted(from));
    }
    if (!ignored.isEmpty() || !tied.isEmpty()) {
      throw new IllegalArgumentException("%s; %s is an ONNX file".formatted(ONLY_PYTORCH, from));
    }
    OnnxFile file = OnnxFile.open(from);
    if (!settings.isEmpty()) {
      file = file.withInputs(settings);
    }
    if (!shapes.isEmpty()) {
      file = file.withShapes(sizes());
    }
    file = file.withStates(states);
    OnnxFile.Import onnx = node == null ? file.network() : file.network(node);
    requireStates(from, onnx);
    return new ConvertSource(
        ConvertSource.Kind.onnx,
        onnx.model(),
        Map.of(),
        List.of(),
        List.of(),
        Optional.of(onnx),
        Optional.empty(),
        TOLERANCE);
  }

  private Map<String, List<Integer>> sizes() {
    Map<String, List<Integer>> sizes = new LinkedHashMap<>();
    shapes.forEach((input, text) -> {
      try {
        sizes.put(input, Arrays.stream(text.split(",")).map(Integer::valueOf).toList());
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "--shape %s=%s: expected whole numbers with commas between them, each from 1 to %d, such as --shape %s=1,576"
                .formatted(input, text, Integer.MAX_VALUE, input),
            e);
      }
    });
    return sizes;
  }

  private void requireStates(Path from, OnnxFile.Import onnx) {
    states.forEach((input, output) -> {
      OnnxFile.StatePair pair = new OnnxFile.StatePair(input, output);
      if (!output.isEmpty() && !onnx.pairs().contains(pair)) {
        throw new IllegalArgumentException(
            "%s: --state %s: this output does not give back the states of this input in the same places; it has %s"
                .formatted(from, pair, onnx.pairs().isEmpty() ? "no such pair" : onnx.pairs()));
      }
    });
  }
}

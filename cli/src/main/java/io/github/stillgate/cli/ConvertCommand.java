package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.ProofFailedException;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.importers.onnx.OnnxFile;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Writes a model with its weights in another storage format, or takes over a network from PyTorch or ONNX.",
      "",
      "A state dict in a safetensors file does not say what its tensors are: --layers does, the layer"
          + " that reads the input first, as kind:prefix or kind:prefix:activation with the kinds emb,"
          + " gru, lstm, rnn and linear. Stacked layers, both directions and projections are found by"
          + " the tensors' names. What is not used is listed.",
      "",
      "An .onnx file that is a chain of layers is taken whole, or --node names one of its GRU, LSTM or RNN"
          + " nodes. docs/onnx.md says what is supported, docs/pytorch.md how to export.",
      "",
      "bf16 halves the file and rounds every weight to 8 bits; what it scores may change a little, so"
          + " run it again.",
      ""
    },
    footer = {
      "",
      "Example: ./stillgate convert state.safetensors speech.safetensors \\",
      "             --layers \"gru:encoder.gru, linear:out\" --verify vectors.safetensors"
    })
final class ConvertCommand implements Callable<Integer> {
  private static final double TOLERANCE = 1e-5;

  enum Format {
    f32(DType.F32),
    bf16(DType.BF16);

    private final DType type;

    Format(DType type) {
      this.type = type;
    }
  }

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "the model, state dict or .onnx file to read")
  private Path from;

  @Parameters(index = "1", paramLabel = "OUT", description = "the model to write")
  private Path to;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "how weights are stored: ${COMPLETION-CANDIDATES}")
  private Format format;

  @Option(names = "--layers", paramLabel = "LIST", description = "what a PyTorch state dict holds")
  private @Nullable String layers;

  @Option(
      names = "--node",
      paramLabel = "NAME",
      description = "the one node of an .onnx file to take; the whole graph if not given")
  private @Nullable String node;

  @Option(
      names = "--vocabulary",
      paramLabel = "CHARACTERS",
      description = "the characters an imported network reads, if it reads characters")
  private @Nullable String vocabulary;

  @Option(
      names = "--verify",
      paramLabel = "FILE",
      description =
          "inputs and outputs of the original, replayed here; on a mismatch nothing is written, else"
              + " they are kept in the model. Those a model carries are replayed in any case")
  private @Nullable Path vectors;

  @Option(
      names = "--tolerance",
      paramLabel = "ERROR",
      description =
          "largest error of --verify, relative to values above 1; 1e-5 if not given, or what a model was"
              + " proved with before")
  private @Nullable Double givenTolerance;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private record Source(
      Model model,
      Map<String, String> notes,
      List<String> unused,
      Optional<ProofVectors> proof,
      double tolerance) {}

  @Override
  public Integer call() throws Exception {
    Output out = new Output(spec.commandLine().getOut());
    Source source = read();
    WeightsWriter writer = source.model.writer(format.type, source.notes);
    Optional<ProofVectors> proof = vectors == null ? source.proof : Optional.of(vectors(vectors));
    if (proof.isPresent()) {
      double tolerance =
          givenTolerance != null ? givenTolerance : vectors != null ? TOLERANCE : source.tolerance;
      double error = verify(source.model, proof.get(), tolerance, writer);
      out.line("verified: largest error %.2g, allowed %.2g", error, tolerance);
    }
    long before = Files.size(from);
    writer.write(to);
    out.line("wrote %s: %,d bytes, was %,d", to, Files.size(to), before);
    if (!source.unused.isEmpty()) {
      out.line("not used: %s", String.join(", ", source.unused));
    }
    if (proof.isEmpty() && (layers != null || from.toString().endsWith(".onnx"))) {
      out.line("not verified: give --verify FILE with inputs and outputs of the original");
    }
    return 0;
  }

  private Source read() throws IOException {
    if (from.toString().endsWith(".onnx")) {
      return readOnnx();
    }
    if (vocabulary != null && layers == null) {
      throw new ParameterException(
          spec.commandLine(), "--vocabulary is for PyTorch state dicts, with --layers");
    }
    if (node != null) {
      throw new ParameterException(
          spec.commandLine(), "--node is for .onnx files; %s is none".formatted(from));
    }
    try (WeightsFile file = WeightsFile.open(from)) {
      if (layers != null) {
        StateDict.Import imported =
            StateDict.read(
                file,
                LayerRequest.parse(layers),
                Optional.ofNullable(vocabulary).map(Vocabulary::new));
        return new Source(
            imported.model(), file.metadata(), imported.unused(), Optional.empty(), TOLERANCE);
      }
      if (!Model.describedIn(file)) {
        throw new ParameterException(
            spec.commandLine(),
            "%s describes no network; if it is a PyTorch state dict, --layers says what is in it"
                .formatted(from));
      }
      return new Source(
          Model.from(file),
          Map.copyOf(file.metadata()),
          List.of(),
          ProofVectors.carriedBy(file),
          ProofVectors.metBy(file).map(ProofVectors.Met::tolerance).orElse(TOLERANCE));
    }
  }

  private Source readOnnx() throws IOException {
    if (layers != null || vocabulary != null) {
      throw new ParameterException(
          spec.commandLine(), "--layers and --vocabulary are for PyTorch state dicts");
    }
    OnnxFile onnx = OnnxFile.open(from);
    Model model = node == null ? onnx.model() : onnx.recurrent(node);
    return new Source(model, Map.of(), List.of(), Optional.empty(), TOLERANCE);
  }

  private static ProofVectors vectors(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      return ProofVectors.read(file);
    }
  }

  /** Proves what will be written: bf16 weights are rounded first. */
  private double verify(Model model, ProofVectors proof, double tolerance, WeightsWriter writer)
      throws IOException {
    try (Plan plan = Plan.compile(format.type == DType.F32 ? model : stored(model))) {
      double error = Proof.replay(plan, proof, tolerance);
      proof.addTo(writer, new ProofVectors.Met(tolerance, error));
      return error;
    } catch (ProofFailedException e) {
      throw format.type == DType.F32
          ? e
          : new ProofFailedException(
              "the weights were rounded to %s, which may be all there is to this; if so, --tolerance"
                      .formatted(format)
                  + " allows more: "
                  + e.getMessage());
    }
  }

  private Model stored(Model model) throws IOException {
    Path file = Files.createTempFile("stillgate", ".safetensors");
    try {
      model.save(file, format.type);
      return Model.load(file);
    } finally {
      Files.delete(file);
    }
  }
}

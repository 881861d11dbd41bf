package io.github.stillgate.cli;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.ProofFailedException;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.FileKind;
import io.github.stillgate.core.weights.NewFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.importers.onnx.Account;
import io.github.stillgate.importers.onnx.OnnxFile;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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
          + " gru, lstm, rnn, linear and sru, which also takes the options bidirectional and no_skip."
          + " Stacked layers, both directions and projections are found by the tensors' names. What is"
          + " not used is listed. --layers network.json names a file that says the same as JSON, or"
          + " describes tensors that are named as in a weights file (docs/pytorch.md).",
      "",
      "An .onnx file that is a chain of layers is taken whole, or --node names one of its GRU, LSTM or RNN"
          + " nodes. What became of each of its inputs, outputs and states is listed. docs/onnx.md says what"
          + " is supported, docs/pytorch.md how to export.",
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

  @Option(
      names = "--layers",
      paramLabel = "LIST",
      description = "what a PyTorch state dict holds, or a .json file that says it")
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

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** How a source is stored. */
  private enum Kind {
    weights,
    pytorch,
    onnx
  }

  private record Source(
      Kind kind,
      Model model,
      Map<String, String> notes,
      List<String> unused,
      Optional<OnnxFile.Import> onnx,
      Optional<ProofVectors> proof,
      double tolerance) {}

  private record Verified(double error, double tolerance) {}

  @Override
  public Integer call() throws Exception {
    if (givenTolerance != null && !isTolerance(givenTolerance)) {
      throw new ParameterException(
          spec.commandLine(),
          "--tolerance must be a number above 0 and below %s, it is %s"
              .formatted(ProofVectors.TOLERANCE_BELOW, givenTolerance));
    }
    NewFile target = NewFile.at(to);
    Source source = read();
    WeightsWriter writer = source.model.writer(format.type, source.notes);
    Optional<ProofVectors> proof = vectors == null ? source.proof : Optional.of(vectors(vectors));
    Optional<Verified> verified = Optional.empty();
    if (proof.isPresent()) {
      double tolerance =
          givenTolerance != null ? givenTolerance : vectors != null ? TOLERANCE : source.tolerance;
      verified =
          Optional.of(
              new Verified(verify(source.model, proof.get(), tolerance, writer), tolerance));
    }
    long before = Files.size(from);
    writer.write(target);
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(describe(source, verified, before));
    } else {
      print(out, source, verified, before);
    }
    return 0;
  }

  private static boolean isTolerance(double tolerance) {
    return tolerance > 0 && tolerance < ProofVectors.TOLERANCE_BELOW;
  }

  private void print(Output out, Source source, Optional<Verified> verified, long before)
      throws IOException {
    source.onnx.ifPresent(onnx -> {
      onnx.accounts().forEach(account -> out.line("%s", account));
      warning(onnx.answer()).ifPresent(text -> out.line("%s", text));
    });
    verified.ifPresent(v ->
        out.line(
            "%s",
            String.format(
                Locale.ROOT,
                "verified: largest error %.2g, allowed %.2g",
                v.error(),
                v.tolerance())));
    out.line(
        "%s",
        String.format(Locale.ROOT, "wrote %s: %,d bytes, was %,d", to, Files.size(to), before));
    if (!source.unused.isEmpty()) {
      out.line("not used: %s", String.join(", ", source.unused));
    }
    if (verified.isEmpty() && source.kind != Kind.weights) {
      out.line("not verified: give --verify FILE with inputs and outputs of the original");
    }
  }

  private static Optional<String> warning(OnnxFile.Answer answer) {
    return switch (answer) {
      case EVERY_STEP -> Optional.empty();
      case LAST_STEP ->
          Optional.of(
              "answers at its last step only: what the model gives at earlier steps is not in the graph");
      case FIRST_STEP ->
          Optional.of(
              "answers at its first step only: what the model gives at later steps is not in the graph");
    };
  }

  private Map<String, Object> describe(Source source, Optional<Verified> verified, long before)
      throws IOException {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("from", from.toString());
    report.put("kind", source.kind.name());
    report.put("bytes_read", before);
    report.put("to", to.toString());
    report.put("bytes_written", Files.size(to));
    report.put("dtype", format.name());
    report.put("layers", source.model.layers().stream().map(Layer::name).toList());
    report.put("inputs", source.model.inputs());
    report.put("outputs", source.model.outputs());
    source.onnx.ifPresent(onnx -> {
      report.put("answer", onnx.answer().name().toLowerCase(Locale.ROOT));
      report.put("accounts", onnx.accounts().stream().map(ConvertCommand::describe).toList());
    });
    report.put("unused", source.unused);
    report.put("verified", verified.isPresent());
    verified.ifPresent(v -> {
      report.put("largest_error", v.error());
      report.put("tolerance", v.tolerance());
    });
    return report;
  }

  private static Map<String, Object> describe(Account account) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("part", account.part().name().toLowerCase(Locale.ROOT));
    description.put("name", account.name());
    description.put("states", account.states());
    description.put("became", account.became());
    return description;
  }

  private Source read() throws IOException {
    if (isOnnx(from)) {
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
        return layers.endsWith(".json")
            ? described(file, NetworkJson.read(Path.of(layers)))
            : pytorch(
                file,
                LayerRequest.parse(layers),
                Optional.ofNullable(vocabulary).map(Vocabulary::new));
      }
      if (!Model.describedIn(file)) {
        throw new IllegalArgumentException(
            "%s: describes no network; if it is a PyTorch state dict, --layers says what is in it"
                .formatted(from));
      }
      return new Source(
          Kind.weights,
          Model.from(file),
          Map.copyOf(file.metadata()),
          List.of(),
          Optional.empty(),
          ProofVectors.carriedBy(file),
          ProofVectors.metBy(file).map(ProofVectors.Met::tolerance).orElse(TOLERANCE));
    }
  }

  private Source described(WeightsFile file, NetworkJson network) {
    if (vocabulary != null) {
      throw new ParameterException(
          spec.commandLine(),
          "--vocabulary is for --layers LIST; in %s it is the field \"vocabulary\""
              .formatted(layers));
    }
    return network.modules().isPresent()
        ? pytorch(file, network.requests(), network.modules().get().vocabulary())
        : new Source(
            Kind.weights,
            network.model(file),
            file.metadata(),
            List.of(),
            Optional.empty(),
            ProofVectors.carriedBy(file),
            ProofVectors.metBy(file).map(ProofVectors.Met::tolerance).orElse(TOLERANCE));
  }

  private static Source pytorch(
      WeightsFile file, List<LayerRequest> requests, Optional<Vocabulary> characters) {
    StateDict.Import imported = StateDict.read(file, requests, characters);
    return new Source(
        Kind.pytorch,
        imported.model(),
        file.metadata(),
        imported.unused(),
        Optional.empty(),
        Optional.empty(),
        TOLERANCE);
  }

  /** The first bytes say it; where they do not, the ending does. */
  private static boolean isOnnx(Path path) throws IOException {
    FileKind kind = FileKind.of(path);
    boolean named = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT).endsWith(".onnx");
    return kind == FileKind.ONNX || named && kind != FileKind.SAFETENSORS;
  }

  private Source readOnnx() throws IOException {
    if (layers != null || vocabulary != null) {
      throw new ParameterException(
          spec.commandLine(), "--layers and --vocabulary are for PyTorch state dicts");
    }
    OnnxFile file = OnnxFile.open(from);
    OnnxFile.Import onnx = node == null ? file.network() : file.network(node);
    return new Source(
        Kind.onnx,
        onnx.model(),
        Map.of(),
        List.of(),
        Optional.of(onnx),
        Optional.empty(),
        TOLERANCE);
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

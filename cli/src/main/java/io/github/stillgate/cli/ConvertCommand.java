package io.github.stillgate.cli;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.ProofFailedException;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.NewFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.importers.onnx.Account;
import io.github.stillgate.importers.onnx.OnnxFile;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
      "Writes a model with its weights in another storage format or without what nothing reads, or takes over a"
          + " network of another program.",
      "",
      "A state dict in a safetensors file does not say what its tensors are: --layers does, the layer"
          + " that reads the input first, as kind:prefix or kind:prefix:activation with the kinds emb,"
          + " gru, lstm, rnn, linear, conv1d (a kernel of 1), bn (BatchNorm1d; bn:prefix:eps=0.001) and"
          + " sru, which also takes the options bidirectional and no_skip; relu and other activations may"
          + " stand alone. Cells, stacked layers, both directions, projections, weight norm and spectral"
          + " norm are found by the tensors' names. A weight that no layer uses is refused, unless --ignore"
          + " leaves it out. --layers network.json names a file that says the same as JSON, or"
          + " describes tensors that are named as in a weights file (docs/pytorch.md).",
      "",
      "An .onnx file is taken whole, as a chain of layers or as a graph of them, or --node names one of its"
          + " GRU, LSTM or RNN nodes. What became of each of its inputs, outputs and states is listed, and which output gives"
          + " back the states of which input. --set fixes an input, such as a sample rate; --shape says sizes that"
          + " the file leaves open. docs/onnx.md says"
          + " what is supported, docs/pytorch.md how to export.",
      "",
      "A whole Keras model in HDF5 (.h5), JSON of RTNeural or GuitarML, an LSTM of Neural Amp Modeler (.nam),"
          + " a model of RNNoise (.rnnn) and the weights of Silero VAD in safetensors say themselves what they are and need no option; docs/formats.md says what is taken.",
      "",
      "--prune removes what no output reads, units of any layer above all, and writes the smaller network;"
          + " --threshold T sets small weights to 0 before. docs/pruning.md says what goes and what stays.",
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
      description = "the model, state dict, .onnx, .h5, .json, .nam or .rnnn file to read")
  private Path from;

  @Parameters(index = "1", paramLabel = "OUT", description = "the model to write")
  private Path to;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "how weights are stored: ${COMPLETION-CANDIDATES}")
  private Format format;

  @CommandLine.Mixin private ImportOptions imports;

  @CommandLine.Mixin private PruneOptions prune;

  @Option(
      names = "--verify",
      paramLabel = "FILE",
      description =
          "inputs and outputs of the original, replayed here; on a mismatch nothing is written, else"
              + " they are kept in the model. Those a model carries are replayed in any case, and kept")
  private @Nullable Path vectors;

  @Option(
      names = "--tolerance",
      paramLabel = "ERROR",
      description =
          "largest error against outputs of the original, those of --verify and those a model carries,"
              + " relative to values above 1; if not given 1e-5, or what the model was proved with before")
  private @Nullable Double givenTolerance;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private record Verified(double error, double tolerance) {}

  @Override
  public Integer call() throws Exception {
    if (givenTolerance != null && !isTolerance(givenTolerance)) {
      throw new ParameterException(
          spec.commandLine(),
          "--tolerance must be a number above 0 and below %s, it is %s"
              .formatted(ProofVectors.TOLERANCE_BELOW, givenTolerance));
    }
    prune.checkUsage();
    NewFile target = NewFile.at(to);
    ConvertSource source = imports.read(from);
    OriginalOutputs proof = originalOutputs(source);
    if (givenTolerance != null && prune.isWanted() && proof.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "--tolerance is for outputs of the original, and neither %s nor --verify has any; how far the"
                  .formatted(from)
              + " smaller network may be from float64 says --prune-tolerance");
    }
    Optional<PruneReport> pruned =
        prune.isWanted()
            ? Optional.of(
                prune.apply(
                    from,
                    source.model(),
                    Optional.ofNullable(vectors),
                    source.proof().map(TuningData::of),
                    !json))
            : Optional.empty();
    Model model = pruned.map(report -> report.pruning().pruned()).orElse(source.model());
    WeightsWriter writer =
        model.writer(
            format.type, pruned.map(report -> report.notes(source.notes())).orElse(source.notes()));
    Optional<Verified> verified = Optional.empty();
    if (!proof.isEmpty()) {
      verified = Optional.of(new Verified(verify(model, proof, writer, pruned), proof.tolerance()));
    } else if (pruned.isPresent() && format.type == DType.F32) {
      pruned.get().addProofTo(writer);
    }
    long before = Files.size(from);
    writer.write(target);
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(describe(source, model, pruned, verified, before));
    } else {
      print(out, source, pruned, verified, before);
    }
    return 0;
  }

  private OriginalOutputs originalOutputs(ConvertSource source) throws IOException {
    OriginalOutputs all = new OriginalOutputs();
    source
        .proof()
        .ifPresent(carried ->
            all.carried(carried, givenTolerance == null ? source.tolerance() : givenTolerance));
    // A text has inputs only; --prune takes them.
    if (vectors != null && !(prune.isWanted() && TuneData.isText(vectors))) {
      all.given(
          vectors(vectors), givenTolerance == null ? ImportOptions.TOLERANCE : givenTolerance);
    }
    return all;
  }

  static boolean isTolerance(double tolerance) {
    return tolerance > 0 && tolerance < ProofVectors.TOLERANCE_BELOW;
  }

  private void print(
      Output out,
      ConvertSource source,
      Optional<PruneReport> pruned,
      Optional<Verified> verified,
      long before)
      throws IOException {
    source
        .onnx()
        .ifPresent(onnx -> {
          onnx.accounts().forEach(account -> out.line("%s", account));
          warning(onnx.answer()).ifPresent(text -> out.line("%s", text));
        });
    if (source.onnx().isEmpty() && source.kind() != ConvertSource.Kind.weights) {
      new EndsReport(source.model()).print(out);
    }
    source.remarks().forEach(remark -> out.line("%s", remark));
    pruned.ifPresent(report -> report.print(out));
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
    if (pruned.isPresent() && verified.isEmpty() && format.type != DType.F32) {
      out.line("the file carries no proof, since its weights were rounded to %s after it", format);
    }
    if (!source.unused().isEmpty()) {
      out.line("not used: %s", String.join(", ", source.unused()));
    }
    if (verified.isEmpty() && source.kind() != ConvertSource.Kind.weights) {
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

  private Map<String, Object> describe(
      ConvertSource source,
      Model model,
      Optional<PruneReport> pruned,
      Optional<Verified> verified,
      long before)
      throws IOException {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("from", from.toString());
    report.put("kind", source.kind().name());
    report.put("bytes_read", before);
    report.put("to", to.toString());
    report.put("bytes_written", Files.size(to));
    report.put("dtype", format.name());
    report.put("layers", model.layers().stream().map(Layer::name).toList());
    report.put("inputs", model.inputs());
    report.put("outputs", model.outputs());
    source
        .onnx()
        .ifPresent(onnx -> {
          report.put("answer", onnx.answer().name().toLowerCase(Locale.ROOT));
          report.put("accounts", onnx.accounts().stream().map(ConvertCommand::describe).toList());
          report.put("pairs", onnx.pairs().stream().map(ConvertCommand::describe).toList());
        });
    report.put("remarks", source.remarks());
    report.put("unused", source.unused());
    pruned.ifPresent(p -> report.put("pruned", p.describe()));
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

  private static Map<String, Object> describe(OnnxFile.StatePair pair) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("input", pair.input());
    description.put("output", pair.output());
    return description;
  }

  private static ProofVectors vectors(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      return ProofVectors.read(file);
    }
  }

  /** Proves what will be written: bf16 weights are rounded first. */
  private double verify(
      Model model, OriginalOutputs proof, WeightsWriter writer, Optional<PruneReport> pruned)
      throws IOException {
    try (Plan plan = Plan.compile(format.type == DType.F32 ? model : stored(model))) {
      double error = proof.replay(plan);
      proof.together().addTo(writer, new ProofVectors.Met(proof.tolerance(), error));
      return error;
    } catch (ProofFailedException e) {
      String changes =
          Stream.of(
                  pruned.flatMap(PruneReport::change),
                  format.type == DType.F32
                      ? Optional.<String>empty()
                      : Optional.of("the weights were rounded to " + format))
              .flatMap(Optional::stream)
              .collect(Collectors.joining(" and "));
      throw changes.isEmpty()
          ? e
          : new ProofFailedException(
              changes
                  + ", which may be all there is to this; if so, --tolerance allows more: "
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

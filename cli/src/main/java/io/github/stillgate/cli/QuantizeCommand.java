package io.github.stillgate.cli;

import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.ProofFailedException;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.NewFile;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.tuning.Int8Calibration;
import io.github.stillgate.tuning.LayerError;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Writes a model with int8 weights: a quarter of the bytes, and a step that skips the columns of"
          + " values that did not move. stillgate run --weights i8 runs it.",
      "",
      "What a layer multiplies is rounded too. What is proved to lie within [-1, 1] has the scale 1/127."
          + " For other inputs and states --data finds one, the largest value seen over 127, which the"
          + " file keeps; larger values are clamped and counted. Without it they are scaled anew in each"
          + " step, and their columns are not skipped. See docs/int8.md.",
      "",
      "Reports the errors of each layer against the float network on the vectors of --verify, else those"
          + " that the model carries, else --data.",
      ""
    },
    footer = {
      "",
      "Example: ./stillgate quantize gru.safetensors gru-int8.safetensors --data book.txt --text other.txt"
    })
final class QuantizeCommand implements Callable<Integer> {
  enum Weights {
    i8
  }

  @Parameters(index = "0", paramLabel = "MODEL", description = "the model to read")
  private Path from;

  @Parameters(index = "1", paramLabel = "OUT", description = "the model to write")
  private Path to;

  @Option(
      names = "--weights",
      paramLabel = "FORMAT",
      defaultValue = "i8",
      description = "how weights are stored: ${COMPLETION-CANDIDATES}")
  private Weights weights;

  @Option(
      names = "--layers",
      paramLabel = "NAME",
      split = ",",
      description =
          "layers to quantise; if not given, all that are multiplied in int8, which those that skip"
              + " units are not")
  private List<String> named = List.of();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description =
          "a text, or a .safetensors file of inputs and outputs as a proof has them, whose outputs are"
              + " not used")
  private @Nullable Path data;

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
      defaultValue = "0.05",
      description = "largest error of what is replayed, relative to values above 1")
  private double tolerance;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "a text that the model is scored on, before and after")
  private @Nullable Path text;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "50000",
      description = "take the first N steps of --data and of --text only")
  private int limit;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    checkUsage();
    RegularFile.require(from);
    Path[] read =
        Stream.of(from, data, vectors, text).filter(Objects::nonNull).toArray(Path[]::new);
    WrittenFile.requireOther("OUT", to, read);
    NewFile target = NewFile.at(to);
    Model model;
    Map<String, String> notes;
    Optional<ProofVectors> proof;
    try (WeightsFile file = WeightsFile.open(from)) {
      model = Model.from(file);
      notes = new LinkedHashMap<>(file.metadata());
      proof = vectors == null ? ProofVectors.carriedBy(file) : Optional.of(vectors(vectors));
    }
    List<String> layers = layers(model);
    Optional<TuningData> inputs =
        data == null ? Optional.empty() : Optional.of(TuneData.read(data, model, limit));
    Model scaled =
        inputs.isEmpty() ? model : model.withOperandScales(found(model, layers, inputs.get()));
    notes.put("quantized", "int8 weights in " + String.join(", ", layers));
    WeightsWriter writer =
        scaled.writer(layer -> layers.contains(layer.name()) ? DType.I8 : held(layer), notes);
    Model stored = stored(writer);
    QuantizeReport report = report(model, stored, layers, inputs, proof);
    report
        .verified()
        .ifPresent(
            v -> proof.orElseThrow().addTo(writer, new ProofVectors.Met(v.tolerance(), v.error())));
    writer.write(target);
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      Map<String, Object> description = new LinkedHashMap<>();
      description.put("from", from.toString());
      description.put("bytes_read", Files.size(from));
      description.put("to", to.toString());
      description.put("bytes_written", Files.size(to));
      description.putAll(report.describe());
      out.json(description);
    } else {
      report.print(out);
      out.line(
          "%s",
          String.format(
              Locale.ROOT, "wrote %s: %,d bytes, was %,d", to, Files.size(to), Files.size(from)));
    }
    return 0;
  }

  private void checkUsage() {
    if (!(tolerance > 0 && tolerance < ProofVectors.TOLERANCE_BELOW)) {
      throw new ParameterException(
          spec.commandLine(),
          "--tolerance must be a number above 0 and below %s, it is %s"
              .formatted(ProofVectors.TOLERANCE_BELOW, tolerance));
    }
    if (limit < 2) {
      throw new ParameterException(spec.commandLine(), "--limit must be at least 2");
    }
  }

  private List<String> layers(Model model) {
    if (named.isEmpty()) {
      List<String> whole = Int8Calibration.layers(model);
      if (whole.isEmpty()) {
        throw new IllegalArgumentException(
            "%s: no layer is multiplied in int8; --layers rounds those that it names"
                .formatted(from));
      }
      return whole;
    }
    List<String> known =
        model.layers().stream()
            .filter(layer -> !(layer instanceof Embedding))
            .map(Layer::name)
            .toList();
    for (String name : named) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "--layers: %s is no layer of %s that can be quantised; it has %s"
                .formatted(name, from, known));
      }
    }
    return named.stream().distinct().toList();
  }

  private OperandScales found(Model model, List<String> layers, TuningData inputs) {
    try (Progress progress =
        Progress.of("calibrating", (long) model.layers().size() * inputs.steps(), !json)) {
      return Int8Calibration.of(model, layers, inputs, progress::advance);
    }
  }

  /** The type that loses nothing of a layer. */
  private static DType held(Layer layer) {
    List<DType> types = layer.tensors().values().stream().map(Matrix::dtype).toList();
    return types.contains(DType.I8) ? DType.I8 : types.contains(DType.F32) ? DType.F32 : DType.BF16;
  }

  /** What will be read from the file. */
  private static Model stored(WeightsWriter writer) throws IOException {
    Path file = Files.createTempFile("stillgate", ".safetensors");
    try {
      writer.write(file);
      return Model.load(file);
    } finally {
      Files.delete(file);
    }
  }

  private static ProofVectors vectors(Path path) throws IOException {
    RegularFile.require(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      return ProofVectors.read(file);
    }
  }

  private QuantizeReport report(
      Model model,
      Model stored,
      List<String> layers,
      Optional<TuningData> inputs,
      Optional<ProofVectors> proof)
      throws IOException {
    PlanOptions int8 = PlanOptions.defaults();
    for (String layer : layers) {
      int8 = int8.withWeights(layer, WeightFormat.I8);
    }
    List<String> float32 = new ArrayList<>(layers);
    float32.removeAll(Int8Calibration.layers(model));
    Optional<TuningData> compared = proof.map(TuningData::of).or(() -> inputs);
    Path comparedOn = vectors != null ? vectors : proof.isPresent() ? from : data;
    try (Plan plan = Plan.compile(stored, int8)) {
      Optional<QuantizeReport.Verified> verified =
          proof.isPresent() ? Optional.of(verify(stored, plan, proof.get())) : Optional.empty();
      return new QuantizeReport(
          layers,
          List.copyOf(float32),
          plan.operandScales(),
          Optional.ofNullable(comparedOn).map(Path::toString),
          compared.isPresent() ? errors(model, stored, layers, compared.get()) : List.of(),
          text == null ? Optional.empty() : Optional.of(scores(model, plan, text)),
          verified);
    }
  }

  private List<LayerError> errors(
      Model model, Model stored, List<String> layers, TuningData compared) {
    try (Progress progress =
        Progress.of("comparing", (long) model.layers().size() * compared.steps(), !json)) {
      return LayerError.between(model, stored, layers, compared, progress::advance);
    }
  }

  private QuantizeReport.Scores scores(Model model, Plan plan, Path file) throws IOException {
    try (Plan before = Plan.compile(model)) {
      return new QuantizeReport.Scores(
          TextScore.of(before, file, limit), TextScore.of(plan, file, limit));
    }
  }

  /** As int8, and as float32, as {@code inspect --verify} replays it. */
  private QuantizeReport.Verified verify(Model stored, Plan plan, ProofVectors proof) {
    try (Plan floats = Plan.compile(stored)) {
      double error =
          Math.max(Proof.replay(plan, proof, tolerance), Proof.replay(floats, proof, tolerance));
      return new QuantizeReport.Verified(error, tolerance);
    } catch (ProofFailedException e) {
      throw new ProofFailedException(
          "the weights were rounded to int8, which may be all there is to this; if so, --tolerance"
              + " allows more, and --layers rounds fewer: "
              + e.getMessage());
    }
  }
}

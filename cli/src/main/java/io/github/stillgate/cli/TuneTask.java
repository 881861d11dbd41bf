package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is tuned, on what, and where the reports go.
 *
 * @param model the file
 * @param data the file
 * @param out folder for the reports
 * @param network what is in {@code model}
 * @param inputs what is in {@code data}
 * @param options of all runs
 * @param kernels the backend's name and tier
 * @param json whether the console gets JSON
 * @param writer the console
 */
record TuneTask(
    Path model,
    Path data,
    Path out,
    Model network,
    TuningData inputs,
    PlanOptions options,
    String kernels,
    boolean json,
    PrintWriter writer) {
  /** Reads the data. */
  static TuneTask of(
      Path model,
      Path data,
      Path out,
      Model network,
      int limit,
      @Nullable String backend,
      boolean json,
      PrintWriter writer)
      throws IOException {
    TuningData inputs = TuneData.read(data, network, limit);
    PlanOptions options = PlanOptions.defaults();
    if (backend != null) {
      options = options.withBackend(backend);
    }
    try (Plan plan = Plan.compile(network, options)) {
      String kernels = "%s (%s)".formatted(plan.backend(), plan.tier());
      return new TuneTask(model, data, out, network, inputs, options, kernels, json, writer);
    }
  }

  Output console() {
    return new Output(writer);
  }

  /** Writes {@code tune.json} and {@code tune.md}. */
  void write(Object report, String markdown) throws IOException {
    Files.createDirectories(out);
    StringWriter written = new StringWriter();
    new Output(new PrintWriter(written, true)).json(report);
    Files.writeString(out.resolve("tune.json"), written.toString());
    Files.writeString(out.resolve("tune.md"), markdown);
  }

  /** Writes a network with the notes of the original and one more on its estimates. */
  void save(Model estimated, Path file, String note) throws IOException {
    Map<String, String> notes = new LinkedHashMap<>();
    try (WeightsFile original = WeightsFile.open(model)) {
      notes.putAll(original.metadata());
    }
    notes.put("estimate", note);
    estimated.save(file, DType.F32, notes);
  }
}

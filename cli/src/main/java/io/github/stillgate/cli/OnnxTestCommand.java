package io.github.stillgate.cli;

import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.OnnxCase;
import io.github.stillgate.importers.onnx.OnnxCase.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "onnx-test",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Runs test cases as the ONNX standard stores them: model.onnx, test_data_set_*/input_*.pb and"
          + " output_*.pb.",
      "",
      "The error of a value y is |y - expected| / max(1, |expected|). A case is unsupported if the"
          + " graph has a node that no layer computes; the reason names it.",
      ""
    },
    footer = {
      "",
      "Exit code 0 if no case failed, 1 otherwise.",
      "Example: ./stillgate onnx-test node --backend vector"
    })
final class OnnxTestCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "one case, or a folder of cases at any depth")
  private Path folder;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @Option(
      names = "--tolerance",
      paramLabel = "E",
      description = "largest error of a case that passes")
  private double tolerance = 1e-5;

  @Option(
      names = "--set",
      paramLabel = "INPUT=VALUE",
      description =
          "an input that is a constant in all cases which have it, such as a sample rate that decides"
              + " which branch of an If is taken")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** One case and what came of it. */
  private record Line(OnnxCase test, Outcome outcome) {
    String result() {
      return switch (outcome) {
        case Outcome.Passed _ -> "pass";
        case Outcome.Failed _ -> "fail";
        case Outcome.Unsupported _ -> "unsupported";
      };
    }

    String reason() {
      return switch (outcome) {
        case Outcome.Passed passed ->
            String.format(Locale.ROOT, "largest error %.2g", passed.largestError());
        case Outcome.Failed failed -> failed.reason();
        case Outcome.Unsupported unsupported -> unsupported.reason();
      };
    }
  }

  @Override
  public Integer call() throws IOException {
    if (!(tolerance >= 0 && tolerance < Double.POSITIVE_INFINITY)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--tolerance must be a finite number from 0 on, it is " + tolerance);
    }
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(folder + ": no such folder");
    }
    List<OnnxCase> cases = OnnxCase.in(folder);
    if (cases.isEmpty()) {
      throw new IllegalArgumentException(
          folder + ": holds no case; a case is a folder with model.onnx and test_data_set_0");
    }
    String used = backend == null ? Backends.chosen() : backend;
    PlanOptions options = PlanOptions.defaults().withBackend(used);
    List<Line> lines = new ArrayList<>();
    for (OnnxCase test : cases) {
      lines.add(new Line(test, test.run(options, tolerance, settings)));
    }
    long failed = count(lines, "fail");
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(describe(lines, used));
    } else {
      for (Line line : lines) {
        out.line("%-11s  %s: %s", line.result(), line.test().name(), line.reason());
      }
      out.line(
          "%n%d of %d cases passed, %d failed, %d unsupported (backend %s, tolerance %s)",
          count(lines, "pass"), lines.size(), failed, count(lines, "unsupported"), used, tolerance);
    }
    return failed == 0 ? 0 : 1;
  }

  private static long count(List<Line> lines, String result) {
    return lines.stream().filter(line -> line.result().equals(result)).count();
  }

  private Map<String, Object> describe(List<Line> lines, String used) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("backend", used);
    report.put("tolerance", tolerance);
    report.put("passed", count(lines, "pass"));
    report.put("failed", count(lines, "fail"));
    report.put("unsupported", count(lines, "unsupported"));
    report.put("cases", lines.stream().map(OnnxTestCommand::describe).toList());
    return report;
  }

  private static Map<String, Object> describe(Line line) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("name", line.test().name());
    description.put("folder", line.test().folder().toString());
    description.put("result", line.result());
    if (line.outcome() instanceof Outcome.Passed(double largestError)) {
      description.put("largest_error", largestError);
    } else {
      description.put("reason", line.reason());
    }
    return description;
  }
}

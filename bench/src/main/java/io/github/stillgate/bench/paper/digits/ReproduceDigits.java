package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.bench.Launched;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate reproduce digits}: a real stream, by size of network and format. */
@Command(
    name = "digits",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Runs GRUs that spot spoken digits in running audio, which PyTorch trained, on the streams of"
          + " speakers they do not know: words spotted, what moves, and time and bytes of a frame in speech"
          + " and in silence, by format of the weights. Writes digits.md, digits.json and digits.svg.",
      "",
      "Train first, with python3-torch; training/pytorch/README.md says more:",
      "  python3 training/pytorch/digits.py --data RECORDINGS --runs RUNS",
      "",
      "Exits with 1 if float32 does not have the trainer's accuracy. Leave the machine alone while it"
          + " measures. With ONNX Runtime: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate reproduce digits",
      ""
    })
public final class ReproduceDigits implements Callable<Integer> {
  /** Share of the words; a probability near the threshold may be rounded to its other side. */
  private static final double TOLERANCE = 0.001;

  @Option(
      names = "--runs",
      defaultValue = "checkpoints/digits",
      paramLabel = "DIR",
      description = "folder of the trainings")
  private Path runs;

  @Option(
      names = "--results",
      defaultValue = "bench/results",
      paramLabel = "DIR",
      description = "where the tables and the plot are written")
  private Path results;

  @Option(
      names = "--forks",
      defaultValue = "5",
      description = "JVMs for each network's times; 0 for no times")
  private int forks;

  @Option(names = "--seconds", defaultValue = "10", description = "time of each JVM")
  private double seconds;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public ReproduceDigits() {}

  @Override
  public Integer call() throws Exception {
    if (forks < 0 || !(seconds > 0)) {
      throw new ParameterException(
          spec.commandLine(),
          "--forks %d --seconds %s: give 0 or more JVMs and a time above 0"
              .formatted(forks, seconds));
    }
    PrintWriter out = spec.commandLine().getOut();
    DigitRuns trained = DigitRuns.read(runs);
    Files.createDirectories(results);
    List<Row> rows = new ArrayList<>();
    for (String network : trained.networks()) {
      for (Row row : Row.of(trained.of(network))) {
        rows.add(row);
        out.printf(
            Locale.ROOT,
            "%s, %s%s: %.2f %% of %d words%n",
            network,
            row.variant(),
            row.peer() ? " in ONNX Runtime" : "",
            100 * row.score().accuracy(),
            row.score().words());
        out.flush();
      }
    }
    List<Speed> speeds = speeds(trained, out);
    String options =
        String.format(
            Locale.ROOT, " reproduce digits --runs DIR --forks %d --seconds %.1f", forks, seconds);
    String timing =
        String.format(
            Locale.ROOT,
            "One stream, one thread, the test frames in order; %d JVMs of %.1f s a network, which take the folds"
                + " in turn, in each of them all formats and engines in turns of 200 frames. Medians over the"
                + " JVMs; the factor is ONNX Runtime's median over the row's, least and greatest in brackets.",
            forks,
            seconds);
    new DigitReport(trained, rows, speeds, Launched.command() + options).write(results, timing);
    out.println("wrote " + results.resolve("digits.md"));
    List<Row> missed = rows.stream().filter(row -> float32(row) && row.gap() > TOLERANCE).toList();
    missed.forEach(row ->
        out.printf(
            Locale.ROOT,
            "missed: %s: %.2f points between the library's and the trainer's accuracy%n",
            row.network(),
            100 * row.gap()));
    out.flush();
    return missed.isEmpty() ? 0 : 1;
  }

  private static boolean float32(Row row) {
    return row.variant().equals(Variant.all().getFirst().name());
  }

  private List<Speed> speeds(DigitRuns trained, PrintWriter out)
      throws IOException, InterruptedException {
    List<Speed> speeds = new ArrayList<>();
    for (String network : trained.networks()) {
      if (forks > 0) {
        for (Speed speed : Speed.measure(trained.of(network), forks, seconds)) {
          speeds.add(speed);
          out.printf(
              Locale.ROOT,
              "%s, %s on %s: %.1f us in speech, %.1f us in silence%n",
              network,
              speed.variant(),
              speed.runsIn(),
              speed.speech().p50() / 1e3,
              speed.silence().p50() / 1e3);
          out.flush();
        }
      }
    }
    return speeds;
  }
}

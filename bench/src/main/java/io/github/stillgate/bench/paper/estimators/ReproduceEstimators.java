package io.github.stillgate.bench.paper.estimators;

import io.github.stillgate.bench.paper.estimators.EstimatedRuns.Trained;
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
import picocli.CommandLine.Spec;

/** {@code ./stillgate reproduce estimators}: the dissertation's Table 3.3 and its first speeds. */
@Command(
    name = "estimators",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Runs the perceptrons with estimated ReLU layers (Davis, chapter 3) that PyTorch trained over"
          + " MNIST's test part, times them against dense ones, and writes Table 3.3 and figures"
          + " 3.2, 3.3, 3.5 and 3.6.",
      "",
      "Train first, one folder for each run, with python3-torch; training/pytorch/README.md says more:",
      "  python3 training/pytorch/estimated_mlp.py --images MNIST --out RUNS/seed-1 --seeds 1",
      "",
      "Exits with 1 if the errors are not as they should be. Leave the machine alone while it measures.",
      ""
    })
public final class ReproduceEstimators implements Callable<Integer> {
  @Option(
      names = "--mnist",
      required = true,
      paramLabel = "DIR",
      description = "folder of MNIST's idx files, with or without .gz")
  private Path mnist;

  @Option(
      names = "--runs",
      defaultValue = "checkpoints/estimators",
      paramLabel = "DIR",
      description = "folder of the trained runs")
  private Path runs;

  @Option(
      names = "--results",
      defaultValue = "bench/results",
      paramLabel = "DIR",
      description = "where the table and the plots are written")
  private Path results;

  @Option(
      names = "--forks",
      defaultValue = "5",
      description = "JVMs for each network's time; 0 for no times")
  private int forks;

  @Option(names = "--seconds", defaultValue = "5", description = "time of each JVM")
  private double seconds;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public ReproduceEstimators() {}

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    EstimatedRuns trained =
        EstimatedRuns.read(
            runs,
            "python3 training/pytorch/estimated_mlp.py --images %s --out %s --seeds 1 (it needs PyTorch; Debian: apt-get install python3-torch python3-scipy)"
                .formatted(mnist, runs.resolve("seed-1")));
    Digits digits = Digits.test(mnist);
    Files.createDirectories(results);
    List<Row> rows = scores(trained, digits, out);
    List<Speed> speeds = speeds(trained, rows, out);
    List<Goal> goals = Goal.of(rows, speeds);
    String command =
        String.format(
            Locale.ROOT,
            "./stillgate reproduce estimators --mnist DIR --runs DIR --forks %d --seconds %.1f",
            forks,
            seconds);
    String timing =
        String.format(
            Locale.ROOT,
            "One stream, one thread, test pictures in turn; %d JVMs of %.1f s a network, in each of them all"
                + " backends and ways in turns of 100 steps. Medians over the JVMs; least and greatest"
                + " factor in brackets. The dense network has the same weights, every unit computed and no"
                + " estimate. The bound is in weights, (sum of d h) / (sum of k (d + h) + alpha d h), with the"
                + " measured alpha and the output layer in both sums. Timed is the first seed.",
            forks,
            seconds);
    new EstimatorReport(results, command)
        .write(trained, rows, speeds, goals, new Figures(results).draw(trained), timing);
    out.println("wrote " + results.resolve("estimators.md"));
    List<Goal> missed = goals.stream().filter(goal -> !goal.met()).toList();
    missed.forEach(goal -> out.println("missed: " + goal.text()));
    out.flush();
    return missed.stream().anyMatch(Goal::binding) ? 1 : 0;
  }

  private static List<Row> scores(EstimatedRuns trained, Digits digits, PrintWriter out)
      throws IOException {
    List<Row> rows = new ArrayList<>();
    for (String configuration : trained.configurations()) {
      List<Score> scores = new ArrayList<>();
      for (Trained network : trained.of(configuration)) {
        Score score = Score.of(network, digits);
        scores.add(score);
        out.printf(
            Locale.ROOT,
            "%s, seed %d: %.2f %% test error%n",
            configuration,
            network.seed(),
            score.error());
        out.flush();
      }
      rows.add(new Row(configuration, scores));
    }
    return rows;
  }

  private List<Speed> speeds(EstimatedRuns trained, List<Row> rows, PrintWriter out)
      throws IOException, InterruptedException {
    List<Speed> speeds = new ArrayList<>();
    for (Row row : rows) {
      if (forks > 0 && !row.isControl()) {
        Path file = trained.of(row.configuration()).getFirst().file();
        for (Speed speed : Speed.measure(row.scores().getFirst(), file, mnist, forks, seconds)) {
          speeds.add(speed);
          out.printf(
              Locale.ROOT,
              "%s on %s: %.2fx, %.0f %% of the bound%n",
              speed.configuration(),
              speed.backend(),
              speed.factor(),
              100 * speed.share());
          out.flush();
        }
      }
    }
    return speeds;
  }
}

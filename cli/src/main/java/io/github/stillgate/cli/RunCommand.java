package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.weights.RegularFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Streams a text through a character model, one step a character, and reports what it cost.",
      "",
      "Characters the model's vocabulary lacks are mapped to their lower case if it has that, else to"
          + " the space, and counted. A file that is no text is refused. The checksum covers the bits of every output: it is equal for"
          + " every backend, with and without skipping.",
      ""
    },
    footer = {"", "Example: ./stillgate run models/text8-256.safetensors book.txt --limit 100000"})
final class RunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "a weights file (see docs/format.md)")
  private Path model;

  @Parameters(paramLabel = "TEXT", description = "a text file, UTF-8")
  private Path text;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @Option(names = "--dense", description = "compute every unit instead of skipping still ones")
  private boolean dense;

  @CommandLine.Mixin private WeightOptions weights;

  @Option(
      names = "--max-live",
      paramLabel = "K",
      description =
          "at most K units of each gated layer are live in a step, those with the strongest gates"
              + " (approximate)")
  private @Nullable Integer maxLive;

  @Option(
      names = "--deadline",
      paramLabel = "TIME",
      converter = DurationOption.class,
      description =
          "measures how many units may be live, and int8 values be sent, so that no step takes longer,"
              + " such as 200us (approximate)")
  private @Nullable Duration deadline;

  @Option(names = "--limit", paramLabel = "N", description = "read the first N characters only")
  private long limit = Long.MAX_VALUE;

  @Option(
      names = "--any-text",
      description = "read a text also if the model knows hardly any of its characters")
  private boolean anyText;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (limit < 2) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--limit must be at least 2: one character to read, one to predict");
    }
    PlanOptions options =
        weights.apply(
            PlanOptions.defaults().withSkipping(dense ? Skipping.NOTHING : Skipping.STILL_UNITS));
    RegularFile.require(model);
    Model network = Model.load(model);
    Vocabulary vocabulary =
        network
            .vocabulary()
            .filter(v -> v.size() == network.outputs())
            .orElseThrow(() ->
                new IllegalArgumentException(
                    model
                        + " is not a character model: it has no vocabulary, or predicts"
                        + " something else"));
    if (backend != null) {
      options = options.withBackend(backend);
    }
    if (maxLive != null) {
      options = options.withMaxLive(maxLive);
    }
    if (deadline != null) {
      options = options.withDeadline(deadline);
    }
    TextRun run;
    try (TokenReader tokens = TokenReader.open(text, vocabulary, limit, anyText);
        Plan plan = Plan.compile(network, options);
        Progress progress = Progress.of("streaming", Math.min(limit, Files.size(text)), !json)) {
      run = TextRun.of(plan, tokens, progress::at);
    }
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(run);
      return 0;
    }
    out.line(
        "backend            %s (%s), %s",
        run.backend(), run.tier(), run.dense() ? "every unit computed" : "still units skipped");
    out.line(
        "characters         %s (%s mapped%s)",
        Output.number(run.characters(), 0),
        Output.number(run.mapped(), 0),
        run.malformed() == 0
            ? ""
            : ", of these %s invalid UTF-8".formatted(Output.number(run.malformed(), 0)));
    out.line("bits per character %s", Output.number(run.bitsPerChar(), 4));
    out.line("live units         %s", Output.percents(run.liveFraction()));
    if (maxLive != null || deadline != null) {
      out.line(
          "limits             %s; %s units held back a step, at most %s weight bytes",
          run.limits(),
          Output.number(run.unitsHeldBack(), 1),
          Output.number(run.mostBytesPerStep(), 0));
    }
    if (weights.isInt8()) {
      out.line("moved values       %s", Output.percents(run.movedFraction()));
      if (run.valuesHeldBack() > 0) {
        out.line("held back          %s values a step", Output.number(run.valuesHeldBack(), 1));
      }
    }
    out.line(
        "step time          p50 %s us, p99 %s, p99.9 %s, max %s; first step after warm-up %s",
        Output.number(run.p50(), 1),
        Output.number(run.p99(), 1),
        Output.number(run.p999(), 1),
        Output.number(run.max(), 1),
        Output.number(run.firstStep(), 1));
    out.line(
        "throughput         %s characters/s, %s weight bytes a step",
        Output.number(run.charsPerSecond(), 0), Output.number(run.bytesPerStep(), 0));
    out.line("checksum           %s", run.checksum());
    return 0;
  }
}

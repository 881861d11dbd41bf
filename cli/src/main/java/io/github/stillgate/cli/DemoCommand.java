package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.RegularFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Lets the shipped character model read a text that was written for it, and shows what it expects"
          + " next, how many of its units move, and what a step costs on every backend.",
      ""
    })
final class DemoCommand implements Callable<Integer> {
  private static final String SHIPPED = "models/text8-256.safetensors";
  private static final int SHOWN_LINES = 4;
  private static final int LINE_LENGTH = 72;
  private static final String BARS = "▁▂▃▄▅▆▇█";

  /** The bars' range: a trained model's live share moves little around 45 %. */
  private static final double BARS_FROM = 0.3;

  private static final double BARS_TO = 0.6;

  @Option(names = "--model", paramLabel = "FILE", description = "another character model")
  private Path model = Path.of(System.getProperty("stillgate.home", "."), SHIPPED.split("/"));

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (!Files.exists(model)) {
      throw new IOException(
          model + ": no such file; run ./stillgate from a checkout, or name one with --model");
    }
    RegularFile.require(model);
    Output out = new Output(spec.commandLine().getOut());
    Model network = Model.load(model);
    Vocabulary vocabulary =
        network
            .vocabulary()
            .orElseThrow(() -> new IllegalArgumentException(model + " has no vocabulary"));
    String text = shippedText();
    int[] tokens = TokenReader.of(text, vocabulary).rest();
    if (!json) {
      out.line(
          "%s: %s parameters, reading %s characters",
          model.getFileName(),
          Output.number(network.parameters(), 0),
          Output.number(tokens.length, 0));
      out.line("");
      show(network, vocabulary, tokens, out);
    }
    List<TextRun> runs = new ArrayList<>();
    for (Backends.Entry entry : Backends.report()) {
      if (entry.isUsable()) {
        for (Skipping skipping : List.of(Skipping.STILL_UNITS, Skipping.NOTHING)) {
          PlanOptions options =
              PlanOptions.defaults().withBackend(entry.name()).withSkipping(skipping);
          try (Plan plan = Plan.compile(network, options)) {
            runs.add(TextRun.of(plan, TokenReader.of(text, vocabulary), _ -> {}));
          }
        }
      }
    }
    boolean same = runs.stream().map(TextRun::checksum).distinct().count() == 1;
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", model.getFileName().toString());
      result.put("same_bits", same);
      result.put("runs", runs);
      out.json(result);
    } else {
      print(runs, same, out);
    }
    return same ? 0 : 1;
  }

  /**
   * A few lines of text, under each character what was expected there and how much of the network
   * moved.
   */
  private static void show(Model network, Vocabulary vocabulary, int[] tokens, Output out) {
    float[] next = new float[network.outputs()];
    try (Plan plan = Plan.compile(network);
        Session session = Session.open(plan)) {
      int at = 0;
      int expected = -1;
      for (int line = 0; line < SHOWN_LINES && at < tokens.length; line++) {
        StringBuilder read = new StringBuilder();
        StringBuilder guessed = new StringBuilder();
        StringBuilder live = new StringBuilder();
        for (int i = 0; i < LINE_LENGTH && at < tokens.length; i++, at++) {
          int token = tokens[at];
          read.appendCodePoint(vocabulary.codePoint(token));
          if (expected == token) {
            guessed.append('.');
          } else {
            guessed.appendCodePoint(expected < 0 ? ' ' : vocabulary.codePoint(expected));
          }
          session.step(token, next);
          live.append(bar(session));
          expected = largest(next);
        }
        out.line("read     %s", read);
        out.line("expected %s", guessed);
        out.line("live     %s", live);
        out.line("");
      }
    }
    out.line(
        "(expected: . where the character was foreseen; live: share of units that moved, %s to %s)",
        Output.percent(BARS_FROM), Output.percent(BARS_TO));
    out.line("");
  }

  private static char bar(Session session) {
    int live = 0;
    int units = 0;
    for (int layer = 0; layer < session.stats().layers(); layer++) {
      live += session.stats().liveUnits(layer);
      units += session.stats().units(layer);
    }
    if (units == 0) {
      return ' ';
    }
    double height = ((double) live / units - BARS_FROM) / (BARS_TO - BARS_FROM);
    return BARS.charAt((int) Math.clamp(height * BARS.length(), 0, BARS.length() - 1));
  }

  private static int largest(float[] values) {
    int largest = 0;
    for (int i = 1; i < values.length; i++) {
      largest = values[i] > values[largest] ? i : largest;
    }
    return largest;
  }

  private static void print(List<TextRun> runs, boolean same, Output out) {
    List<List<String>> rows = new ArrayList<>();
    for (TextRun run : runs) {
      rows.add(
          List.of(
              run.backend(),
              run.tier(),
              run.dense() ? "no" : "yes",
              Output.number(run.p50(), 1),
              Output.number(run.p99(), 1),
              Output.number(run.charsPerSecond(), 0),
              Output.number(run.bytesPerStep() / 1024, 0),
              run.checksum()));
    }
    out.table(
        List.of("backend", "tier", "skips", "p50 us", "p99 us", "chars/s", "KiB/step", "checksum"),
        rows);
    for (Backends.Entry entry : Backends.report()) {
      if (!entry.isUsable()) {
        out.line("%s is left out: %s; %s", entry.name(), entry.reason(), entry.cure());
      }
    }
    TextRun first = runs.get(0);
    out.line("");
    out.line(
        "%s bits per character; live units by layer %s.",
        Output.number(first.bitsPerChar(), 3),
        Output.percents(
            runs.stream().filter(run -> !run.dense()).findFirst().orElse(first).liveFraction()));
    out.line(
        same
            ? "All %d runs gave the same bits."
            : "THE RUNS GAVE DIFFERENT BITS: please report this with the output of"
                + " ./stillgate doctor.",
        runs.size());
  }

  private static String shippedText() throws IOException {
    try (InputStream in = DemoCommand.class.getResourceAsStream("demo.txt")) {
      if (in == null) {
        throw new IOException("the demo text is missing from this build");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip().replaceAll("\\s+", " ");
    }
  }
}

package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes {@code sru.md} and its plots. */
final class SruReport {
  private final SruResults results;
  private final StringBuilder text = new StringBuilder();

  SruReport(SruResults results) {
    this.results = results;
  }

  /** Writes the report and the plots of the parts that are there. */
  void write(Path folder) throws IOException {
    text.append("# SRU: the poster's tables again\n\n");
    line(
        "What the poster \"Simple Recurrent Units\" (Lei et al., 2018) and its later paper report stands"
            + " beside what was measured here, and never in its place. Every part has its own command,"
            + " machine and day.");
    heading("Sentence classification", "sentences", origin(results.sentences()));
    if (results.sentences() != null) {
      new SentenceSection(results.sentences()).write(text, folder);
    }
    heading("Time of the reader's stacks", "drqa", origin(results.drqa()));
    if (results.drqa() != null) {
      drqa(results.drqa());
    }
    heading("Computation time", "computation", origin(results.computation()));
    if (results.computation() != null) {
      computation(results.computation(), folder);
    }
    heading("Characters", "characters --text FILE", origin(results.characters()));
    if (results.characters() != null) {
      characters(results.characters(), folder);
    }
    notDone();
    Files.writeString(folder.resolve("sru.md"), text);
  }

  private static SruResults.@Nullable Origin origin(SruResults.@Nullable Sentences part) {
    return part == null ? null : part.origin();
  }

  private static SruResults.@Nullable Origin origin(SruResults.@Nullable Times part) {
    return part == null ? null : part.origin();
  }

  private static SruResults.@Nullable Origin origin(SruResults.@Nullable Characters part) {
    return part == null ? null : part.origin();
  }

  private void heading(String title, String part, SruResults.@Nullable Origin origin) {
    text.append("## ").append(title).append("\n\n");
    line(
        origin == null
            ? "Not made yet: `./stillgate reproduce sru %s`.".formatted(part)
            : "%s, %s. Made by `%s`.".formatted(origin.machine(), origin.date(), origin.command()));
  }

  private void line(String words) {
    text.append(words).append("\n\n");
  }

  private void drqa(SruResults.Times times) {
    SruResults.TimeLine first = times.lines().getFirst();
    line(
        "The poster's reader of questions (DrQA on SQuAD) spent 316 s an epoch in three LSTM layers and"
            + " 58, 72 and 100 s in what must be three, four and six SRU layers, of 128 units in two"
            + " directions, on a GPU, training. Here are forward passes with random weights on one"
            + " thread: batches of %d sequences of vectors of %d values, all in turn within a trial, %d"
                .formatted(first.sequences(), first.inputs(), times.trials())
            + " trials. \"Factor\" is the fastest LSTM's time over this time, ours and ONNX Runtime's; the"
            + " bound is the ratio of multiplications by weights; MB are the weights of a step. The poster's"
            + " factors are a GPU's, on which an LSTM waits for its own steps; on one core"
            + " multiplications decide, and a factor can pass the bound only by as much as the LSTM's"
            + " own products are slower.");
    text.append(
        "| steps | network | runs in | ms, median | fastest .. slowest | GFLOP/s | MB | factor, our LSTM"
            + " | factor, ORT's LSTM | bound | poster |\n|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (SruResults.TimeLine one : times.lines()) {
      text.append(
          "| %d | %s %s |\n".formatted(one.steps(), row(one, times), poster(one.network())));
    }
    text.append('\n');
  }

  private static String poster(String network) {
    Integer seconds = Published.READER.get(network);
    double lstm = Objects.requireNonNull(Published.READER.get("LSTM 3"));
    return seconds == null ? "" : String.format(Locale.ROOT, "%.1f", lstm / seconds);
  }

  /** The columns that both tables have, from the network to the bound. */
  private static String row(SruResults.TimeLine one, SruResults.Times times) {
    SruResults.TimeLine lstm =
        times.lines().stream().filter(other -> sameShape(one, other)).findFirst().orElseThrow();
    return String.format(
        Locale.ROOT,
        "%s | %s | %.2f | %.2f .. %.2f | %.1f | %.1f | %s | %s | %.2f |",
        one.network(),
        one.contender(),
        one.median(),
        one.low(),
        one.high(),
        one.gigaflops(),
        one.weightBytes() / 1e6,
        factor(fastest(times, one, false), one),
        factor(fastest(times, one, true), one),
        (double) lstm.multiplications() / one.multiplications());
  }

  private static boolean sameShape(SruResults.TimeLine one, SruResults.TimeLine lstm) {
    return lstm.network().startsWith("LSTM")
        && lstm.units() == one.units()
        && lstm.steps() == one.steps();
  }

  /** The least median of the LSTMs of a shape; NaN without any. */
  private static double fastest(SruResults.Times times, SruResults.TimeLine one, boolean peer) {
    return times.lines().stream()
        .filter(other -> sameShape(one, other))
        .filter(other -> other.contender().equals(SequenceBatch.PEER) == peer)
        .mapToDouble(SruResults.TimeLine::median)
        .min()
        .orElse(Double.NaN);
  }

  private static String factor(double over, SruResults.TimeLine one) {
    return Double.isNaN(over) ? "" : String.format(Locale.ROOT, "%.2f", over / one.median());
  }

  private void computation(SruResults.Times times, Path folder) throws IOException {
    line(
        "The poster's figure has no numbers. One layer of one direction as wide as its input, batches of"
            + " %d sequences, all in turn within a trial, %d trials, one thread. Columns as above."
                .formatted(times.lines().getFirst().sequences(), times.trials()));
    text.append(
        "| n | steps | network | runs in | ms, median | fastest .. slowest | GFLOP/s | MB | factor, our"
            + " LSTM | factor, ORT's LSTM | bound |\n|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (SruResults.TimeLine one : times.lines()) {
      text.append("| %d | %d | %s\n".formatted(one.units(), one.steps(), row(one, times)));
    }
    text.append('\n');
    List<Integer> widths =
        times.lines().stream().map(SruResults.TimeLine::units).distinct().toList();
    for (int units : widths) {
      Plot plot =
          new Plot(
                  "A batch of %d sequences, n = %d, one thread"
                      .formatted(times.lines().getFirst().sequences(), units),
                  "steps",
                  "ms")
              .logarithmicY();
      times.lines().stream()
          .filter(one -> one.units() == units)
          .map(one -> one.network() + ", " + one.contender())
          .distinct()
          .forEach(name -> curve(plot, name, times, units));
      save(plot, folder, "sru-computation-" + units);
    }
  }

  private static void curve(Plot plot, String name, SruResults.Times times, int units) {
    List<SruResults.TimeLine> some =
        times.lines().stream()
            .filter(one -> one.units() == units)
            .filter(one -> name.equals(one.network() + ", " + one.contender()))
            .toList();
    plot.line(
        name,
        some.stream().map(one -> (double) one.steps()).toList(),
        some.stream().map(SruResults.TimeLine::median).toList());
  }

  private void characters(SruResults.Characters part, Path folder) throws IOException {
    line(
        "The claim is that SRU keeps the modelling capacity. text8 (the first 12.5 MB of it), 27-n-..-n-27,"
            + " Adam 1e-3, 64 streams of 50 characters an update, the same number of updates and, as"
            + " nearly as whole units allow, of parameters. Validation is by the trainer, test by the"
            + " exported model in a `Session`: one stream from zero over %d characters."
                .formatted(part.characters()));
    text.append(
        "| network | parameters | updates | training, bits per character | validation | test |\n"
            + "|---|--:|--:|--:|--:|--:|\n");
    Plot plot =
        new Plot("Character models of equal size", "updates", "validation, bits per character");
    List<String> inOrder = new ArrayList<>();
    for (SruResults.CharacterRow row : part.rows()) {
      SruResults.CharacterPoint last = row.points().getLast();
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %d | %d | %.3f | %.3f | %.3f |%n",
              row.label(),
              row.parameters(),
              row.updates(),
              last.training(),
              last.validation(),
              row.test()));
      plot.line(
          row.label(),
          row.points().stream().map(point -> (double) point.update()).toList(),
          row.points().stream().map(SruResults.CharacterPoint::validation).toList());
    }
    part.rows().stream()
        .sorted(Comparator.comparingDouble(SruResults.CharacterRow::test))
        .forEach(row -> inOrder.add(row.label()));
    text.append('\n');
    line(
        "From best to worst at this budget: %s. One seed each: differences of a hundredth are none."
            .formatted(String.join("; ", inOrder)));
    save(plot, folder, "sru-characters");
  }

  private void save(Plot plot, Path folder, String name) throws IOException {
    plot.save(folder.resolve(name + ".svg"));
    line("![%s](%s.svg)".formatted(name, name));
  }

  private void notDone() {
    text.append("## Not done, and why\n\n");
    text.append(
        "* SQuAD accuracy (exact match, F1): the data are not at hand and the reader needs attention over"
            + " question and text, which this library has not. Only the time of its recurrent layers is"
            + " measured above.\n"
            + "* The Transformer with SRU on WMT: no data, and attention over whole sentences is no work"
            + " for a library of streams.\n"
            + "* Word vectors of the paper's kind (300 values from 100 billion words) are not at hand; ours"
            + " are trained on the text that is, so accuracies lie below the published ones.\n"
            + "* Convolutions in the figure of computation times: no layer of this kind is timed here.\n");
  }
}

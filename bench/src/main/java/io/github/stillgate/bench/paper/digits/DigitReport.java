package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes {@code digits.md}, {@code digits.json} and {@code digits.svg}. */
final class DigitReport {
  private final DigitRuns runs;
  private final List<Row> rows;
  private final List<Speed> speeds;
  private final List<Day> days;
  private final String command;
  private final List<String> text = new ArrayList<>();

  DigitReport(DigitRuns runs, List<Row> rows, List<Speed> speeds, String command) {
    this.runs = runs;
    this.rows = rows;
    this.speeds = speeds;
    this.days = Day.of(rows, speeds);
    this.command = command;
  }

  /**
   * Writes the files; without times there is no plot.
   *
   * @param timing how times were taken
   */
  void write(Path folder, String timing) throws IOException {
    json(folder.resolve("digits.json"));
    text.add("# Spoken digits in running audio");
    paragraph("%s, %s. Made by `%s`.".formatted(Machine.description(), LocalDate.now(), command));
    paragraph(training());
    accuracy();
    if (speeds.isEmpty()) {
      paragraph("Nothing was timed.");
    } else {
      speed(timing);
      day();
      plot(folder.resolve("digits.svg"));
      paragraph(
          "[Accuracy against microseconds a frame](digits.svg), %.0f %% of the frames speech, fastest"
                  .formatted(100 * Day.ORDINARY)
              + " backend. Better is up and to the left.");
    }
    Files.write(folder.resolve("digits.md"), text);
  }

  private void json(Path file) throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("machine", Machine.description());
    json.put("date", LocalDate.now().toString());
    json.put("command", command);
    json.put("trained_on", machines());
    json.put("unfinished", runs.unfinished());
    json.put("rows", rows);
    json.put("speeds", speeds);
    json.put("days", days);
    JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), json);
  }

  private List<String> machines() {
    return runs.trained().stream().map(Trained::machine).distinct().toList();
  }

  private void paragraph(String words) {
    text.add("");
    text.add(words);
  }

  private void heading(String title) {
    text.add("");
    text.add("## " + title);
  }

  private String training() {
    String epochs =
        runs.networks().stream()
            .map(name -> "%s %d".formatted(name, runs.of(name).getFirst().epochs()))
            .collect(Collectors.joining(", "));
    return "Ordinary GRUs of LAYERSxUNITS read 40 log-mel values every 10 ms and name the digit that is spoken,"
        + " if any. No speaker they are scored on trained them. Words, pauses and noise 30, 20 and 10 dB"
        + " below the words are mixed by `training/pytorch/digits.py`; the networks are imported as any"
        + " PyTorch state dict is, none was trained for int8 or for moving little. The decoder that makes"
        + " words of frames was chosen on training speakers, once a network, and is the same for all its"
        + " formats. Epochs: %s; trained on %s.%s"
            .formatted(
                epochs,
                String.join("; ", machines()),
                runs.unfinished().isEmpty()
                    ? ""
                    : " Left out, since unfinished: " + String.join(", ", runs.unfinished()) + ".");
  }

  private void accuracy() {
    heading("Words, and what moves");
    paragraph(
        "Lost and gained are the words that float32 spots and the row does not, and the other way round; the difference of the"
            + " accuracies, in points, has the standard error behind it, were other words of these speakers drawn."
            + " A theta of one number holds in all layers, three are those of the two GRUs and of the output layer."
            + " \"Trainer\" is PyTorch's score of the same frames. Moved is the share of the values with a fixed scale that"
            + " moved since the frame before, mean over the recurrent layers; KB are the weights a frame"
            + " reads.");
    text.add("");
    text.add(
        "| network | parameters | format | folds | words | accuracy | lost, gained | points | false alarms a minute | trainer |"
            + " moved, speech | moved, silence | KB, speech | KB, silence |");
    text.add("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (Row row : rows) {
      text.add(
          String.format(
              Locale.ROOT,
              "| %s | %,d | %s | %d | %,d | **%.2f %%** | %d, %d | %s | %.2f | %.2f %% | %s | %s | %s | %s |",
              row.network(),
              row.parameters(),
              format(row),
              row.folds(),
              row.score().words(),
              100 * row.score().accuracy(),
              row.lost(),
              row.gained(),
              difference(row),
              row.score().falseAlarmsAMinute(),
              100 * row.trainer(),
              moved(row.speech()),
              moved(row.silence()),
              kilobytes(row.speech()),
              kilobytes(row.silence())));
    }
  }

  private static String format(Row row) {
    return row.peer() ? row.variant() + ", ONNX Runtime" : row.variant();
  }

  private static String difference(Row row) {
    return row.lost() + row.gained() == 0
        ? "0"
        : String.format(
            Locale.ROOT,
            "%+.2f +- %.2f",
            100.0 * (row.gained() - row.lost()) / row.score().words(),
            100 * row.error());
  }

  /** Of variants that multiply every column nothing is to be said. */
  private static String moved(@Nullable Traffic traffic) {
    return traffic == null || traffic.movedRecurrent() >= 1
        ? "-"
        : String.format(Locale.ROOT, "%.0f %%", 100 * traffic.movedRecurrent());
  }

  private static String kilobytes(@Nullable Traffic traffic) {
    return traffic == null ? "-" : String.format(Locale.ROOT, "%.0f", traffic.bytesAFrame() / 1e3);
  }

  private void speed(String timing) {
    heading("Time of a frame");
    paragraph(timing);
    text.add("");
    text.add(
        "| network | format | runs in | speech, p50 (p99) | silence, p50 (p99) | over ONNX Runtime, speech |"
            + " silence |");
    text.add("|---|---|---|--:|--:|--:|--:|");
    for (Speed speed : speeds) {
      text.add(
          "| %s | %s | %s | %s | %s | %s | %s |"
              .formatted(
                  speed.network(),
                  speed.variant(),
                  speed.runsIn(),
                  times(speed.speech()),
                  times(speed.silence()),
                  factor(speed, speed.overSpeech()),
                  factor(speed, speed.overSilence())));
    }
  }

  private static String times(SpeedFork.Times times) {
    return String.format(Locale.ROOT, "%.1f (%.1f) us", times.p50() / 1e3, times.p99() / 1e3);
  }

  private static String factor(Speed speed, Speed.@Nullable Factor factor) {
    return factor == null || speed.isPeer()
        ? "-"
        : String.format(
            Locale.ROOT,
            "**%.2fx** (%.2f-%.2f)",
            factor.median(),
            factor.least(),
            factor.greatest());
  }

  private void day() {
    heading("A day of one stream");
    paragraph(
        "Seconds of one core and GB of weights for the %,.0f frames of a day, by the share of them that is speech:"
                .formatted(Day.FRAMES)
            + " mean times of a frame in speech and in silence (of the frames up to the 99th percentile), weighed"
            + " by the share, on the fastest backend. The factor is ONNX Runtime's seconds over the row's.");
    text.add("");
    text.add(
        "| network | format | runs in | speech | core s | GB of weights | over ONNX Runtime |");
    text.add("|---|---|---|--:|--:|--:|--:|");
    for (Day day : days) {
      text.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %.0f %% | %.1f | %s | %s |",
              day.network(),
              day.variant(),
              day.runsIn(),
              100 * day.share(),
              day.seconds(),
              number("%.0f", day.gigabytes()),
              number("%.2fx", day.factor())));
    }
  }

  private static String number(String format, @Nullable Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, format, value);
  }

  private void plot(Path svg) throws IOException {
    Plot plot =
        new Plot(
                "Digits spotted against time of a frame (better: up and to the left)",
                "microseconds a frame, one core",
                "percent of the words")
            .logarithmicX();
    for (String format : rows.stream().map(DigitReport::format).distinct().toList()) {
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      for (Row row : rows) {
        Optional<Speed> speed = Day.fastest(row, speeds);
        if (format(row).equals(format) && speed.isPresent()) {
          x.add(speed.get().microseconds(Day.ORDINARY));
          y.add(100 * row.score().accuracy());
        }
      }
      if (!x.isEmpty()) {
        plot.line(format, x, y);
      }
    }
    plot.save(svg);
  }
}

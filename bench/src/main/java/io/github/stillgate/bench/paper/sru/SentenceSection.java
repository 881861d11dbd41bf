package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** The part of the report on sentence classification. */
final class SentenceSection {
  private static final Map<String, String> LABELS =
      Map.of(
          "lstm", "LSTM, 2 layers",
          "sru-2", "SRU, 2 layers",
          "sru-4", "SRU, 4 layers",
          "sru-2-no-cells", "SRU, 2 layers, without v * c",
          "sru-2-no-highway", "SRU, 2 layers, without highway");

  private final SruResults.Sentences part;
  private final List<String> sets;

  SentenceSection(SruResults.Sentences part) {
    this.part = part;
    this.sets =
        SentenceRuns.SETS.stream()
            .filter(set -> part.cells().stream().anyMatch(cell -> cell.set().equals(set)))
            .toList();
  }

  /** Appends the section, and saves a plot a set. */
  void write(StringBuilder text, Path folder) throws IOException {
    introduction(text);
    accuracies(text);
    claims(text);
    checks(text);
    for (String set : sets) {
      plot(set).save(folder.resolve("sru-%s.svg".formatted(set.toLowerCase(Locale.ROOT))));
      text.append("![%s](sru-%s.svg)\n\n".formatted(set, set.toLowerCase(Locale.ROOT)));
    }
  }

  private void introduction(StringBuilder text) {
    text.append(
        "Trained by `training/pytorch/sentences.py` on %s: fixed word vectors, dropout, layers of %s"
                .formatted(part.trainer(), part.settings().get("units"))
            + " units with dropout between them, the last output, dropout, a softmax. Percent of the"
            + " test sentences that are right, mean and standard deviation over the folds, by the"
            + " network of the epoch that was best on a tenth of the training part. TREC and SST have"
            + " their own test sets: there folds are seeds. Seconds are processor time of a middling"
            + " epoch, on a machine that did other work too.\n\n");
    text.append("All settings: ");
    List<String> settings = new ArrayList<>();
    part.settings().forEach((name, value) -> settings.add(name + " " + value));
    text.append(String.join("; ", settings)).append(".\n\n");
    List<String> open = new ArrayList<>();
    for (SentenceCell cell : part.cells()) {
      if (cell.folds().size() < cell.foldsAsked()) {
        open.add(
            "%s on %s (%d of %d)"
                .formatted(cell.model(), cell.set(), cell.folds().size(), cell.foldsAsked()));
      }
    }
    if (!open.isEmpty()) {
      text.append("Folds still missing: ").append(String.join(", ", open)).append(".\n\n");
    }
    epochs(text);
  }

  private void epochs(StringBuilder text) {
    Map<Integer, List<String>> byEpochs = new TreeMap<>();
    List<String> cutOff = new ArrayList<>();
    List<String> diverged = new ArrayList<>();
    for (SentenceCell cell : part.cells()) {
      String name = cell.model() + " on " + cell.set();
      cell.folds().stream()
          .map(SentenceCell.Fold::epochs)
          .distinct()
          .forEach(e -> byEpochs.computeIfAbsent(e, _ -> new ArrayList<>()).add(name));
      if (cell.cutOff() > 0) {
        cutOff.add("%s %d of %d".formatted(name, cell.cutOff(), cell.folds().size()));
      }
    }
    for (SentenceCell cell : part.cells()) {
      if (cell.diverged() > 0) {
        diverged.add(
            "%s on %s %d of %d"
                .formatted(cell.model(), cell.set(), cell.diverged(), cell.folds().size()));
      }
    }
    List<String> said = new ArrayList<>();
    byEpochs.forEach((epochs, names) ->
        said.add(
            byEpochs.size() == 1
                ? Integer.toString(epochs)
                : "%d for %s".formatted(epochs, String.join(", ", names))));
    text.append("Epochs: ").append(String.join("; ", said)).append(".\n\n");
    if (!cutOff.isEmpty()) {
      text.append(
          "The budget cut trainings off: folds whose best epoch is one of the last two, and which more"
              + " epochs would help, are ");
      text.append(String.join(", ", cutOff)).append(".\n\n");
    }
    if (!diverged.isEmpty()) {
      text.append(
          "At this rate some trainings diverged (their loss rose to twice that of the first epoch), so"
              + " that an early epoch was scored and no fair comparison can be made: ");
      text.append(String.join(", ", diverged)).append(".\n\n");
    }
  }

  private Optional<SentenceCell> cell(String set, String model) {
    return part.cells().stream()
        .filter(cell -> cell.set().equals(set) && cell.model().equals(model))
        .findFirst();
  }

  private void accuracies(StringBuilder text) {
    text.append("| |");
    sets.forEach(set -> text.append(" %s | s | parameters |".formatted(set)));
    text.append("\n|---|").append("--:|--:|--:|".repeat(sets.size())).append('\n');
    for (String model : SentenceRuns.MODELS) {
      text.append("| ").append(LABELS.get(model)).append(" |");
      for (String set : sets) {
        text.append(
            cell(set, model)
                .map(cell ->
                    String.format(
                        Locale.ROOT,
                        " %.1f +- %.1f | %.1f | %d |",
                        cell.mean(),
                        cell.deviation(),
                        cell.cpuSeconds(),
                        cell.parameters()))
                .orElse(" | | |"));
      }
      text.append('\n');
    }
    for (String model : SentenceRuns.MODELS) {
      Map<String, Double> published = Published.EMNLP.get(model);
      if (published != null) {
        text.append("| *published, %s* |".formatted(LABELS.get(model)));
        sets.forEach(
            set -> text.append(String.format(Locale.ROOT, " *%.1f* | | |", published.get(set))));
        text.append('\n');
      }
    }
    text.append('\n').append(Published.EMNLP_SOURCE).append("\n\n");
    text.append(Published.CHART).append("\n\n");
  }

  /** The claims on one set, of those cells that are there. */
  List<Claim> claims(String set) {
    List<Claim> claims = new ArrayList<>();
    Optional<SentenceCell> full = cell(set, "sru-2");
    claim(claims, "SRU of 2 layers >= LSTM", full, cell(set, "lstm"), false);
    claim(claims, "SRU of 4 layers >= LSTM", cell(set, "sru-4"), cell(set, "lstm"), false);
    claim(claims, "full >= without v * c, within one sd", full, cell(set, "sru-2-no-cells"), true);
    claim(
        claims,
        "full >= without highway, within one sd",
        full,
        cell(set, "sru-2-no-highway"),
        true);
    return claims;
  }

  private static void claim(
      List<Claim> claims,
      String words,
      Optional<SentenceCell> one,
      Optional<SentenceCell> other,
      boolean withinOneDeviation) {
    if (one.isPresent() && other.isPresent()) {
      Claim.of(words, one.get(), other.get(), withinOneDeviation).ifPresent(claims::add);
    }
  }

  private void claims(StringBuilder text) {
    text.append(
        "Claims, asked of the differences between folds of the same number: yes if the mean difference is"
            + " above what is allowed by more than its standard error, no if it is below by more, and"
            + " else not decided.\n\n"
            + "| set | claim | mean difference, points | standard error | may be worse by | folds |"
            + " answer |\n|---|---|--:|--:|--:|--:|---|\n");
    for (String set : sets) {
      for (Claim claim : claims(set)) {
        text.append(
            String.format(
                Locale.ROOT,
                "| %s | %s | %.2f | %.2f | %.2f | %d | %s |%n",
                set,
                claim.text(),
                claim.difference(),
                claim.error(),
                claim.allowed(),
                claim.folds(),
                claim.answer()));
      }
    }
    text.append('\n');
  }

  private void checks(StringBuilder text) {
    text.append(
        "The first fold's networks, exported with their word vectors as an embedding, in this library's"
            + " `Sequence` over all test sentences:\n\n"
            + "| set | network | sentences | right, trainer | right, here | farthest probability | other"
            + " class |\n|---|---|--:|--:|--:|--:|--:|\n");
    for (SentenceCell cell : part.cells()) {
      if (cell.check() != null) {
        text.append(
            String.format(
                Locale.ROOT,
                "| %s | %s | %d | %.2f | %.2f | %.1e | %d |%n",
                cell.set(),
                cell.model(),
                cell.check().sentences(),
                cell.folds().getFirst().test(),
                cell.check().test(),
                cell.check().farthest(),
                cell.check().otherClass()));
      }
    }
    text.append('\n');
  }

  private Plot plot(String set) {
    Plot plot = new Plot(set + ", validation part, mean of folds", "epoch", "percent right");
    for (String model : SentenceRuns.MODELS) {
      cell(set, model)
          .ifPresent(cell -> {
            int epochs =
                cell.folds().stream().mapToInt(SentenceCell.Fold::epochs).min().orElseThrow();
            plot.line(
                String.valueOf(LABELS.get(model)),
                IntStream.rangeClosed(1, epochs).mapToObj(epoch -> (double) epoch).toList(),
                IntStream.range(0, epochs)
                    .mapToObj(epoch ->
                        cell.folds().stream()
                            .mapToDouble(fold -> fold.validation().get(epoch))
                            .average()
                            .orElseThrow())
                    .toList());
          });
    }
    return plot;
  }
}

package io.github.stillgate.bench.paper.sru;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * "This model is at least as good as that one", asked of the folds that both have, trained for as
 * many epochs: differences of one fold share their sentences.
 *
 * @param text what is claimed
 * @param difference mean difference in points
 * @param error its standard error
 * @param allowed points by which the model may be worse
 * @param folds how many
 */
record Claim(String text, double difference, double error, double allowed, int folds) {
  /** What the folds say. */
  enum Answer {
    YES("yes"),
    NO("no"),
    NOT_DECIDED("not decided");

    private final String words;

    Answer(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /**
   * Asks whether {@code model} is as good as {@code other}.
   *
   * @param withinOneDeviation whether it may be worse by its standard deviation over the folds
   */
  static Optional<Claim> of(
      String text, SentenceCell model, SentenceCell other, boolean withinOneDeviation) {
    List<Double> differences = new ArrayList<>();
    for (SentenceCell.Fold one : model.folds()) {
      other.folds().stream()
          .filter(fold -> fold.fold() == one.fold() && fold.epochs() == one.epochs())
          .forEach(fold -> differences.add(one.test() - fold.test()));
    }
    if (differences.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Claim(
            text,
            differences.stream().mapToDouble(d -> d).average().orElseThrow(),
            SentenceCell.deviation(differences) / Math.sqrt(differences.size()),
            withinOneDeviation ? model.deviation() : 0,
            differences.size()));
  }

  /** Not decided with fewer than two folds, or closer than the standard error. */
  Answer answer() {
    double above = difference + allowed;
    if (folds < 2 || Math.abs(above) <= error) {
      return Answer.NOT_DECIDED;
    }
    return above > 0 ? Answer.YES : Answer.NO;
  }
}

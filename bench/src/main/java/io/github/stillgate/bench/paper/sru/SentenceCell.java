package io.github.stillgate.bench.paper.sru;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One model on one set.
 *
 * @param set its name, such as TREC
 * @param model its name, such as sru-2
 * @param foldsAsked folds that the training was asked for
 * @param ownTestSet whether the set comes with a test set; its folds are further seeds then
 * @param parameters trained values, without the word vectors
 * @param folds those that are finished, ascending
 * @param check what this library makes of the first fold's network; null if it is not finished
 */
record SentenceCell(
    String set,
    String model,
    int foldsAsked,
    boolean ownTestSet,
    long parameters,
    List<Fold> folds,
    @Nullable Check check) {
  /**
   * One training.
   *
   * @param fold its number
   * @param test percent right on the test part, by the network of the epoch that was best on the
   *     validation part
   * @param epoch that epoch
   * @param epochs how many it was trained for
   * @param cpuSeconds processor seconds of a middling epoch
   * @param diverged whether the loss ever rose to twice that of the first epoch
   * @param validation percent right on the validation part after each epoch
   */
  record Fold(
      int fold,
      double test,
      int epoch,
      int epochs,
      double cpuSeconds,
      boolean diverged,
      List<Double> validation) {}

  /**
   * The trainer's answers on the test part against this library's.
   *
   * @param sentences how many
   * @param test percent right here
   * @param farthest largest difference of a probability
   * @param otherClass sentences whose most probable class is another one here
   */
  record Check(int sentences, double test, double farthest, int otherClass) {}

  /** How many folds had their best epoch among the last two: more epochs would have helped them. */
  long cutOff() {
    return folds.stream().filter(fold -> fold.epoch() > fold.epochs() - 2).count();
  }

  /** How many folds diverged, so that an early epoch was scored. */
  long diverged() {
    return folds.stream().filter(Fold::diverged).count();
  }

  /** Mean over the folds. */
  double mean() {
    return folds.stream().mapToDouble(Fold::test).average().orElseThrow();
  }

  /** Standard deviation over the folds, by n - 1; 0 for one fold. */
  double deviation() {
    return deviation(folds.stream().map(Fold::test).toList());
  }

  /** Standard deviation by n - 1; 0 for one value. */
  static double deviation(List<Double> values) {
    double mean = values.stream().mapToDouble(v -> v).average().orElseThrow();
    double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
    return values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1));
  }

  /** Processor seconds of a middling epoch, mean over the folds. */
  double cpuSeconds() {
    return folds.stream().mapToDouble(Fold::cpuSeconds).average().orElseThrow();
  }
}

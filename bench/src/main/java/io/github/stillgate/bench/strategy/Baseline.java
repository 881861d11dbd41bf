package io.github.stillgate.bench.strategy;

import io.github.stillgate.kernel.ffm.BlasIdentity;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The dense products that factors are taken over: those of a BLAS whose {@code sgemv} reached half
 * of the read bandwidth measured in the same run, with kernels made for this CPU.
 *
 * @param library label of the BLAS with the fastest such {@code sgemv}, or null if none is valid
 * @param verdicts one line on each BLAS of the run, and one on what is missing
 */
record Baseline(@Nullable String library, List<String> verdicts) {
  private static final double LEAST_SHARE = 0.5;
  private static final String DENSE = "dense-";

  /**
   * Judges every dense product of a run.
   *
   * @param identities who a label is
   * @param required label of the only BLAS that may serve, or null for any
   */
  static Baseline choose(
      List<Timed> times,
      Bounds bounds,
      Function<String, BlasIdentity> identities,
      @Nullable String required) {
    List<String> verdicts = new ArrayList<>();
    List<String> libraries =
        times.stream()
            .filter(time -> time.task().equals("rows") && time.strategy().startsWith(DENSE))
            .map(time -> time.strategy().substring(DENSE.length()))
            .distinct()
            .toList();
    String best = null;
    double shortest = Double.MAX_VALUE;
    for (String library : libraries) {
      double nanos = fastest("rows", library, times).orElseThrow();
      double share = bounds.least("rows", 1) / nanos;
      String measured =
          String.format(
              Locale.ROOT,
              "%s%s: sgemv reads at %.0f %% of the read bandwidth of this run",
              DENSE,
              library,
              100 * share);
      if (!(share >= LEAST_SHARE)) {
        verdicts.add(measured + ", below half: no baseline");
      } else if (identities.apply(library).isFarBelowTheCpu()) {
        verdicts.add(
            measured
                + ", but its kernels are far below this CPU: no baseline; "
                + identities.apply(library).narrowness().orElse(""));
      } else if (required != null && !required.equals(library)) {
        verdicts.add(measured + "; a baseline, but " + required + " is required");
      } else {
        verdicts.add(measured + ": a valid baseline");
        if (nanos < shortest) {
          best = library;
          shortest = nanos;
        }
      }
    }
    if (required != null && !libraries.contains(required)) {
      verdicts.add(
          "the required baseline %s is not here (found: %s)"
              .formatted(required, libraries.isEmpty() ? "none" : String.join(", ", libraries)));
    }
    if (best == null) {
      verdicts.add(
          "there is no valid baseline: no factors are taken (Debian: apt-get install"
              + " libopenblas0-pthread)");
    }
    return new Baseline(best, List.copyOf(verdicts));
  }

  /** The verdicts in one sentence. */
  String why() {
    return String.join("; ", verdicts);
  }

  /** The dense time of the valid BLAS in a task, over all live fractions. */
  OptionalDouble nanos(String task, List<Timed> times) {
    return library == null ? OptionalDouble.empty() : fastest(task, library, times);
  }

  private static OptionalDouble fastest(String task, String library, List<Timed> times) {
    return times.stream()
        .filter(time -> time.task().equals(task) && time.strategy().equals(DENSE + library))
        .mapToDouble(Timed::nanos)
        .min();
  }
}

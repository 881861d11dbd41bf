package io.github.stillgate.bench.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Holds our kernels against what was recorded on this kind of machine; on one that nobody recorded,
 * against what one core can do.
 */
final class RatioCheck {
  /** Two runs may differ by the noise of either. */
  private static final double NOISES = 2;

  private final Ratios ratios;
  private final Ratios.@Nullable OnMachine recorded;
  private final String kind;
  private final String library;

  /**
   * One kernel's result.
   *
   * @param task {@code rows}, {@code blocks}, or a word of {@link LayerTask}
   * @param strategy the backend
   * @param holds whether it is fast enough
   * @param said the numbers
   */
  record Verdict(String task, String strategy, boolean holds, String said) {
    String key() {
      return Ratios.key(task, strategy);
    }

    @Override
    public String toString() {
      return "%s %s: %s".formatted(holds ? "ok  " : "SLOW", key(), said);
    }
  }

  /**
   * @param kind {@link Ratios#kind} of the run
   * @param library label of its valid baseline
   */
  RatioCheck(Ratios ratios, String kind, String library) {
    this.ratios = ratios;
    this.recorded = ratios.machines().get(kind);
    this.kind = kind;
    this.library = library;
  }

  /** What the run is held against, in one line. */
  String measure() {
    if (recorded != null) {
      return "recorded for %s on %s".formatted(kind, recorded.date());
    }
    return "nothing is recorded for %s (recorded: %s): held against what one core can do"
        .formatted(
            kind,
            ratios.machines().isEmpty() ? "none" : String.join("; ", ratios.machines().keySet()));
  }

  List<Verdict> judge(Forks forks) {
    List<Verdict> verdicts = new ArrayList<>();
    for (Timed time : forks.times()) {
      if (Kernels.isOurs(time.strategy())) {
        verdicts.add(judge(forks, time.task(), time.strategy()));
      }
    }
    return verdicts;
  }

  private Verdict judge(Forks forks, String task, String strategy) {
    String key = Ratios.key(task, strategy);
    Double ratio = recorded == null ? null : recorded.ratios().get(key);
    Double noise = recorded == null ? null : recorded.noise().get(key);
    if (ratio != null && noise != null) {
      double now = forks.ratio(task, strategy, "dense-" + library);
      double allowed = ratio * (1 + NOISES * noise);
      String said =
          String.format(
              Locale.ROOT,
              "%.3f of the dense time, recorded %.3f with a noise of %.1f %%, allowed %.3f",
              now,
              ratio,
              100 * noise,
              allowed);
      return new Verdict(task, strategy, now <= allowed, said);
    }
    double share = forks.share(task, strategy);
    String bound = task.equals("blocks") ? "multiply-adds" : "read bandwidth";
    Double least =
        ratios.leastShares().get("%s/%s/%s".formatted(task, strategy, Ratios.tier(strategy)));
    if (least == null) {
      String said =
          String.format(
              Locale.ROOT,
              "%.1f %% of the %s of one core; nothing to hold it against",
              100 * share,
              bound);
      return new Verdict(task, strategy, true, said);
    }
    String said =
        String.format(
            Locale.ROOT,
            "%.0f %% of the %s of one core, required %.0f %%",
            100 * share,
            bound,
            100 * least);
    return new Verdict(task, strategy, share >= least, said);
  }
}

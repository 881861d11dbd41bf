package io.github.stillgate.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.kernel.ffm.BlasIdentity;
import io.github.stillgate.kernel.ffm.BlasIdentity.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What serves as a dense baseline; a core of these runs reads 50 GB/s, 168 us for all rows. */
class BaselineTest {
  private static final Bounds BOUNDS = new Bounds(50, 48);

  private static final Map<String, BlasIdentity> IDENTITIES =
      Map.of(
          "openblas", new BlasIdentity(Kind.OPENBLAS, "0.3.21", null, 1, null),
          "mkl", new BlasIdentity(Kind.MKL, "2025.0.0", null, 1, null),
          "reference-blas", new BlasIdentity(Kind.REFERENCE, null, null, 1, null));

  @Test
  void theReferenceBlasAloneIsNoBaselineAndNoFactorIsTaken() {
    List<Timed> times = times("reference-blas", 2_000_000, 130_000_000);
    Baseline baseline = choose(times, null);
    assertThat(baseline.library()).isNull();
    assertThat(baseline.verdicts().getFirst())
        .isEqualTo(
            "dense-reference-blas: sgemv reads at 8 % of the read bandwidth of this run, below half:"
                + " no baseline");
    assertThat(baseline.verdicts().getLast()).contains("no valid baseline", "libopenblas0-pthread");
    KernelReport report = KernelReport.of(times, BOUNDS, baseline);
    assertThat(report.rows()).allSatisfy(row -> assertThat(row.speedUp()).isNull());
    assertThat(report.toMarkdown())
        .contains("| dense-reference-blas | 2.00 ms |", "| native | 48.0 us |", "no factors")
        .doesNotContain("dense-openblas")
        .doesNotContainPattern("\\d+x \\|");
  }

  @Test
  void theFastestValidOneIsTheBaselineOfBothTasks() {
    List<Timed> times = new ArrayList<>(times("openblas", 180_000, 5_200_000));
    times.addAll(times("mkl", 250_000, 4_000_000));
    times.addAll(times("reference-blas", 2_000_000, 1_000_000));
    Baseline baseline = choose(times, null);
    assertThat(baseline.library()).isEqualTo("openblas");
    assertThat(baseline.nanos("rows", times)).hasValue(180_000);
    assertThat(baseline.nanos("blocks", times)).hasValue(5_200_000);
    assertThat(KernelReport.of(times, BOUNDS, baseline).toMarkdown())
        .contains("speed-up over the dense `sgemv` of openblas", "| native | 48.0 us, 3.75x |");
  }

  @Test
  void onlyTheRequiredOneMayServe() {
    List<Timed> times = new ArrayList<>(times("openblas", 180_000, 5_200_000));
    times.addAll(times("mkl", 250_000, 4_000_000));
    assertThat(choose(times, "mkl").library()).isEqualTo("mkl");
    Baseline missing = choose(times, "blis");
    assertThat(missing.library()).isNull();
    assertThat(missing.why())
        .contains("the required baseline blis is not here (found: openblas, mkl)");
  }

  @Test
  void aRequiredOneBelowHalfOfTheBandwidthIsRefused() {
    assertThat(choose(times("openblas", 335_000, 5_200_000), "openblas").library())
        .isEqualTo("openblas");
    assertThat(choose(times("openblas", 336_000, 5_200_000), "openblas").library()).isNull();
  }

  private static Baseline choose(List<Timed> times, String required) {
    return Baseline.choose(times, BOUNDS, IDENTITIES::get, required);
  }

  private static List<Timed> times(String library, double sgemv, double sgemm) {
    return List.of(
        timed("rows", "native", 48_000),
        timed("rows", "dense-" + library, sgemv),
        timed("blocks", "dense-" + library, sgemm));
  }

  private static Timed timed(String task, String strategy, double nanos) {
    return new Timed(task, strategy, 0.25, nanos, nanos, nanos);
  }
}

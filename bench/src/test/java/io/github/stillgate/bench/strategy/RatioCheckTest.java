package io.github.stillgate.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.bench.strategy.Forks.Fork;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JVMs made up here: a core that reads 50 GB/s, and kernels at so many nanoseconds. */
class RatioCheckTest {
  private static final String KIND = "a CPU, its tiers, OpenBLAS 0.3.21 for Zen";

  @Test
  void aKernelSlowedByHalfIsSlowAndNoiseIsNot() {
    Ratios.OnMachine recorded = Ratios.OnMachine.of(forks(48_000, 50_000, 47_000), "openblas");
    RatioCheck check = check(recorded);
    assertThat(check.measure()).contains("recorded for " + KIND);
    assertThat(check.judge(forks(48_000, 48_000, 48_000))).allMatch(RatioCheck.Verdict::holds);
    assertThat(check.judge(forks(56_000, 300_000, 48_000)))
        .as("the median over JVMs is within twice the noise")
        .allMatch(RatioCheck.Verdict::holds);
    for (double slower : new double[] {1.5, 2}) {
      List<RatioCheck.Verdict> verdicts =
          check.judge(forks(48_000 * slower, 48_000 * slower, 48_000 * slower));
      assertThat(verdicts).hasSize(1).noneMatch(RatioCheck.Verdict::holds);
      assertThat(verdicts.getFirst().toString())
          .startsWith("SLOW rows/reference/0.25: ")
          .contains("recorded 0.300", "noise of 10.0 %", "allowed 0.360");
    }
  }

  @Test
  void aKindOfMachineThatIsNotRecordedIsHeldAgainstItsBounds() {
    RatioCheck check = check(null);
    assertThat(check.measure()).contains("nothing is recorded for " + KIND, "another kind");
    List<RatioCheck.Verdict> fast = check.judge(forks(48_000, 48_000, 48_000));
    assertThat(fast).hasSize(1).allMatch(RatioCheck.Verdict::holds);
    assertThat(fast.getFirst().said())
        .isEqualTo("87 % of the read bandwidth of one core, required 50 %");
    assertThat(check.judge(forks(96_000, 96_000, 96_000))).noneMatch(RatioCheck.Verdict::holds);
  }

  @Test
  void noiseIsThatOfTheWorstJvmAgainstItself() {
    Forks forks =
        new Forks(List.of(fork(48_000, 48_000), fork(48_000, 56_000), fork(48_000, 47_000)));
    assertThat(forks.noise("rows", "reference")).isEqualTo(56.0 / 48 - 1);
    assertThat(Ratios.OnMachine.of(forks, "openblas").noise())
        .containsExactly(Map.entry("rows/reference/0.25", 0.167));
  }

  @Test
  void aKernelTooNoisyToTellIsNotRecorded() {
    Forks forks = new Forks(List.of(fork(48_000, 62_000)));
    assertThat(Ratios.OnMachine.of(forks, "openblas").ratios()).isEmpty();
    assertThat(Ratios.OnMachine.of(forks, "openblas").noise()).isEmpty();
  }

  @Test
  void otherKindsOfMachineStayInTheFile(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("ratios.json");
    Ratios.OnMachine recorded = Ratios.OnMachine.of(forks(48_000), "openblas");
    Ratios.read(file).with("one", recorded).write(file);
    Ratios.read(file).with("two", recorded).write(file);
    assertThat(Ratios.read(file).machines()).containsOnlyKeys("one", "two");
    assertThat(Ratios.read(file).machines().get("one")).isEqualTo(recorded);
  }

  /** One JVM times all layers; each is judged over the product of its own shape. */
  @Test
  void layersOfOneJvmAreJudgedOneByOne() {
    List<Turns.Time> jvm =
        List.of(
            time("gru-int8:native", 30_000),
            time("gru-int8:native" + KernelFork.TWIN, 31_000),
            time("gru-int8:dense-openblas", 120_000),
            time("sru:native", 40_000),
            time("sru:native" + KernelFork.TWIN, 40_000),
            time("sru:dense-openblas", 50_000),
            time(KernelFork.READ, 0.02),
            time(KernelFork.FMA, 0.02));
    Forks forks = new Forks(List.of(Fork.of(LayerTask.GRU_INT8, jvm), Fork.of(LayerTask.SRU, jvm)));
    Ratios.OnMachine recorded = Ratios.OnMachine.of(forks, "openblas");
    assertThat(recorded.ratios())
        .containsExactly(Map.entry("gru-int8/native/1.0", 0.25), Map.entry("sru/native/1.0", 0.8));
    assertThat(forks.share("gru-int8", "native"))
        .as("3 x 512 rows of 1024 bytes at 50 GB/s")
        .isEqualTo(3 * 512 * 1024 * 0.02 / 30_000);
    assertThat(Forks.fraction("gru-int8-moved")).isEqualTo(0.25);
    RatioCheck check =
        new RatioCheck(
            new Ratios(new TreeMap<>(), new TreeMap<>()).with(KIND, recorded), KIND, "openblas");
    assertThat(check.judge(forks)).hasSize(2).allMatch(RatioCheck.Verdict::holds);
  }

  @Test
  void everyLayerHasTheBitsOfTheReference() {
    for (LayerTask task : LayerTask.values()) {
      for (Backend backend : BackendRegistry.usable()) {
        if (LayerTask.admits(backend.name())) {
          LayerTask.Opened opened = task.open(backend.name());
          opened.call().run();
          opened.close().run();
        }
      }
    }
  }

  private static RatioCheck check(Ratios.OnMachine recorded) {
    TreeMap<String, Double> least = new TreeMap<>();
    least.put("rows/reference/" + Ratios.tier("reference"), 0.5);
    Ratios ratios = new Ratios(least, new TreeMap<>());
    if (recorded == null) {
      recorded = Ratios.OnMachine.of(forks(48_000), "openblas");
      return new RatioCheck(ratios.with("another kind", recorded), KIND, "openblas");
    }
    return new RatioCheck(ratios.with(KIND, recorded), KIND, "openblas");
  }

  private static Forks forks(double... nanos) {
    List<Fork> forks = new ArrayList<>();
    for (double time : nanos) {
      forks.add(fork(time, time));
    }
    return new Forks(forks);
  }

  private static Fork fork(double nanos, double again) {
    return new Fork(
        "rows",
        List.of(
            time("reference", nanos),
            time("reference" + KernelFork.TWIN, again),
            time("dense-openblas", 160_000),
            time(KernelFork.READ, 0.02),
            time(KernelFork.FMA, 0.02)));
  }

  private static Turns.Time time(String contender, double nanos) {
    return new Turns.Time(contender, nanos, nanos, nanos);
  }
}

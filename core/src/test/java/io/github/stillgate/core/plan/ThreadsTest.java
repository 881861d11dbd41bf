package io.github.stillgate.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ThreadsTest {
  @Test
  void oneThreadIsTheDefault() {
    assertThat(PlanOptions.defaults().threads()).isEqualTo(Threads.ONE);
    assertThat(PlanOptions.defaults().withThreads(1)).isEqualTo(PlanOptions.defaults());
    assertThat(PlanOptions.defaults()).asString().doesNotContain("thread");
  }

  @Test
  void otherOptionsKeepThem() {
    Threads threads = Threads.of(3).withSpin(Duration.ofMillis(2)).withLeastBytes(7);
    PlanOptions options =
        PlanOptions.defaults()
            .withThreads(threads)
            .withBackend("reference")
            .withSkipping(Skipping.NOTHING)
            .withInputBound(2)
            .withCrossover(0.5)
            .withWeights(WeightFormat.BF16)
            .withBlas();
    assertThat(options.threads()).isEqualTo(threads);
    assertThat(options).isNotEqualTo(options.withThreads(2));
    assertThat(options).asString().contains("3 threads from 7 bytes on, spinning for 2000 us");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PlanOptions.defaults().withThreads(0))
        .withMessage("0 threads; expected 1 (the caller alone) to 16");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Threads.of(Threads.MOST + 1))
        .withMessageContaining("17 threads");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Threads.of(2).withSpin(Duration.ofNanos(-1)))
        .withMessageContaining("expected 0 to one minute");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Threads.of(2).withSpin(Duration.ofMinutes(2)))
        .withMessageContaining("expected 0 to one minute");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Threads.of(2).withLeastBytes(-1))
        .withMessage("products from -1 bytes on; expected 0 or more");
  }
}

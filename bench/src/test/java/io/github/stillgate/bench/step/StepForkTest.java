package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StepForkTest {
  private static final int UNITS = 32;

  private static Rows rows(Cell cell) {
    return new Rows(cell, UNITS, List.of(1.0, 0.25), List.of(0.5));
  }

  /** Whoever runs has right answers and is timed; whoever does not says why. */
  @ParameterizedTest
  @EnumSource(Cell.class)
  void everyRowRunsOrSaysWhyNot(Cell cell) {
    Rows rows = rows(cell);
    // Warming up conditional plans takes seconds each: one of them stands for all.
    List<Row> chosen =
        rows.all().stream()
            .filter(row -> !row.id().contains("live-") || row.id().equals("vector/bf16/live-0.5"))
            .toList();
    StepFork.Said said = StepFork.run(rows, chosen, 0.005);
    assertThat(said.found().size() + said.absent().size()).isEqualTo(chosen.size());
    assertThat(said.absent()).allMatch(absent -> !absent.reason().isBlank());
    assertThat(said.found())
        .extracting(Found::id)
        .contains("vector/f32" + (cell == Cell.CONDITIONAL ? "/full-gru" : ""));
    for (Found found : said.found()) {
      assertThat(found.histogram().getTotalCount()).as(found.id()).isPositive();
      assertThat(found.work().bytes()).as(found.id()).isPositive();
      assertThat(Double.isNaN(found.work().moved()))
          .as("%s keeps sums", found.id())
          .isEqualTo(!found.id().matches("(native|vector)/i8.*") || found.id().contains("live"));
    }
    assertThat(said.absent())
        .filteredOn(absent -> absent.id().startsWith("onnxruntime/f32"))
        .hasSameSizeAs(
            Peer.isHere()
                ? List.of()
                : chosen.stream().filter(row -> row.id().startsWith("onnxruntime/f32")).toList());
  }

  @Test
  void aFifthOfTheColumnsIsAFifthOfTheBytes() {
    Rows rows = new Rows(Cell.GRU, 80, List.of(1.0, 0.2), List.of());
    List<Found> found =
        StepFork.run(
                rows,
                List.of(rows.named("vector/i8/moved-1"), rows.named("vector/i8/moved-0.2")),
                0.01)
            .found();
    double whole = found.get(0).work().bytes();
    assertThat(whole).isGreaterThan(6 * 80 * 80 * 0.95);
    assertThat(found.get(1).work().bytes() / whole).isBetween(0.19, 0.25);
  }

  @Test
  void aWrongAnswerIsRefused() {
    Rows rows = rows(Cell.GRU);
    Row right = rows.named("vector/f32");
    Row wrong =
        new Row(
            "wrong",
            right.tolerance(),
            () -> new Wrong(right.contender().get()),
            right.reference(),
            right.feed());
    assertThatIllegalStateException()
        .isThrownBy(() -> StepFork.run(rows, List.of(wrong), 0.01))
        .withMessageContaining("wrong: output %d of step 7", UNITS - 1);
  }

  private static final class Wrong implements Contender {
    private final Contender right;
    private int step;

    Wrong(Contender right) {
      this.right = right;
    }

    @Override
    public void step(Feed feed, float[] out) {
      right.step(feed, out);
      out[out.length - 1] += step++ == 7 ? 0.001f : 0;
    }

    @Override
    public Work work() {
      return right.work();
    }

    @Override
    public void close() {
      right.close();
    }
  }

  @Test
  void aRowIsNamedByItsIdOrItsBeginning() {
    Row row = rows(Cell.GRU).named("native/i8/moved-0.25");
    assertThat(row.isIn("native")).isTrue();
    assertThat(row.isIn("native/i8")).isTrue();
    assertThat(row.isIn("native/i8/moved-0.25")).isTrue();
    assertThat(row.isIn("native/i8/moved-0.2")).isFalse();
    assertThat(row.isIn("nat")).isFalse();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> rows(Cell.GRU).named("abacus/f32"))
        .withMessageContaining("abacus/f32")
        .withMessageContaining("native/i8/moved-0.25");
  }

  @Test
  void aForkReadsWhatItIsGiven() {
    assertThat(StepFork.arguments(rows(Cell.LSTM), 0.5, List.of("native/f32", "mkl")))
        .containsExactly("lstm", "32", "0.5", "1.0,0.25", "0.5", "native/f32", "mkl");
  }
}

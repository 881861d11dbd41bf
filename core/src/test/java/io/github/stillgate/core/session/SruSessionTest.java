package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SruSessionTest {
  private static final PlanOptions OPTIONS = PlanOptions.defaults().withBackend("reference");

  private static Sru layer(float w, float vf, Sru.Highway highway) {
    Sru.Gate forget =
        new Sru.Gate(
            Matrix.of("Wf", 2, 2, 0, 1, 0, 1),
            Optional.of(Matrix.vector("vf", vf, vf)),
            Matrix.vector("bf", 0, 0));
    return new Sru("rnn", Matrix.of("W", 2, 2, w, 0, w, 0), forget, highway, Activation.LINEAR);
  }

  /**
   * The second input opens the forget gate: the cells take the first, or keep their bits for as
   * long as it is closed. Rounding that went the same way in every step would move them without a
   * bound.
   */
  @Test
  void aForgetGateOfOneKeepsTheCells() {
    Model model = new Model(List.of(layer(1, 0, new Sru.Highway.None())));
    float ulp = Math.ulp(1f);
    float[] out = new float[2];
    Random random = new Random(4);
    try (Plan plan = Plan.compile(model, OPTIONS);
        Session session = Session.open(plan)) {
      session.step(new float[] {1 + 2 * ulp, -200}, out);
      assertThat(out).containsOnly(1 + 2 * ulp);
      for (int step = 0; step < 20_000; step++) {
        session.step(new float[] {-1 + ulp * (random.nextInt(67) - 2), 200}, out);
      }
      assertThat(out).containsOnly(1 + 2 * ulp);
      assertThat(session.state("rnn.c")).containsOnly(1 + 2 * ulp);
    }
  }

  /** Inputs of 1 and an open gate: the cell becomes the computed sum over the row. */
  private static Model oneCell(int inputs, float weight) {
    float[] row = new float[inputs];
    Arrays.fill(row, weight);
    Sru.Gate open =
        new Sru.Gate(
            Matrix.of("Wf", 1, inputs, new float[inputs]),
            Optional.empty(),
            Matrix.vector("bf", -200));
    return new Model(
        List.of(
            new Sru(
                "rnn",
                Matrix.of("W", 1, inputs, row),
                open,
                new Sru.Highway.None(),
                Activation.LINEAR)));
  }

  private static void assertRestoresItsOwnSnapshot(Model model, WeightFormat format, float cell) {
    float[] ones = new float[model.inputs()];
    Arrays.fill(ones, 1);
    float[] out = new float[1];
    try (Plan plan = Plan.compile(model, OPTIONS.withInputBound(1).withWeights(format));
        Session session = Session.open(plan)) {
      session.step(ones, out);
      assertThat(out).containsExactly(cell);
      byte[] snapshot = session.snapshot();
      session.reset();
      session.restore(snapshot);
      assertThat(session.state("rnn.c")).containsExactly(cell);
    }
  }

  /** The weight is rounded up, so the cell exceeds the norm of the row as the model has it. */
  @Test
  void aCellThatBf16RoundsUpCanBeRestored() {
    assertRestoresItsOwnSnapshot(
        oneCell(1, 1 + 0x1p-8f + 0x1p-20f), WeightFormat.BF16, 1 + 0x1p-7f);
  }

  /**
   * From 64 on each of the 64 additions of {@code 1 + 2^-18 + 2^-23} is rounded up to {@code 1 +
   * 2^-17}, so the sum exceeds the exact one by more than 2^-20 of it.
   */
  @Test
  void aCellThatTheSumRoundsUpCanBeRestored() {
    float weight = 1 + 0x1p-18f + 0x1p-23f;
    float cell = 0;
    for (int i = 0; i < 128; i++) {
      cell += weight;
    }
    assertThat((double) cell).isGreaterThan(128 * (double) weight * (1 + 0x1p-20));
    assertRestoresItsOwnSnapshot(oneCell(128, weight), WeightFormat.F32, cell);
  }

  @Test
  void whatCouldOverflowIsRefused() {
    Sru.Gate reset =
        new Sru.Gate(
            Matrix.of("Wr", 2, 2, 0, 1, 0, 1),
            Optional.of(Matrix.vector("vr", 1, 1)),
            Matrix.vector("br", 0, 0));
    for (Sru sru :
        List.of(
            layer(3e38f, 0, new Sru.Highway.None()),
            layer(1e20f, 1e20f, new Sru.Highway.None()),
            layer(1, 0, new Sru.Highway.FromInput(reset, 3e38f)),
            layer(
                1, 0, new Sru.Highway.FromMatrix(reset, Matrix.of("Wh", 2, 2, 0, 0, 0, 3e38f))))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Plan.compile(new Model(List.of(sru)), OPTIONS))
          .withMessageContaining("overflow float32");
    }
  }
}

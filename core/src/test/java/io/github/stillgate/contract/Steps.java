package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.Random;

/** Compares steps bit for bit. */
final class Steps {
  private Steps() {}

  /** Runs two plans over the same random tokens. */
  static void assertSameBits(Plan one, Plan other, int steps) {
    int tokens = one.model().inputs();
    float[] a = new float[one.model().outputs()];
    float[] b = new float[one.model().outputs()];
    Random random = new Random(11);
    try (Session first = Session.open(one);
        Session second = Session.open(other)) {
      for (int step = 0; step < steps; step++) {
        int token = random.nextInt(tokens);
        first.step(token, a);
        second.step(token, b);
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
      }
      assertThat(first.snapshot()).isEqualTo(second.snapshot());
    }
  }

  /** An output of the last step. */
  static float[] output(Session session, String name) {
    float[] values = new float[session.plan().model().graph().width(name)];
    session.get(name, values);
    return values;
  }

  /** The bits of each value. */
  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}

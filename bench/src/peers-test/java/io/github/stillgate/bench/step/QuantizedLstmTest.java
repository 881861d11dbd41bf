package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.bench.layer.LayerKind;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ONNX Runtime opens the graph of its int8 LSTM, and computes the LSTM that it was made of. */
class QuantizedLstmTest {
  /** Weights of 64 steps on either side, and x and h of 255: a sum of 2n products averages them. */
  private static final float TOLERANCE = 0.05f;

  @ParameterizedTest
  @ValueSource(ints = {16, 128})
  void itIsTheLstm(int units) {
    Layer lstm = LayerKind.of("lstm").make(units);
    float[] out = new float[units];
    float[] expected = new float[units];
    Feed feed = Feed.random(units);
    float largest = 0;
    try (Contender peer = Peer.int8(lstm);
        Plan plan = Plan.compile(new Model(List.of(lstm)));
        Session session = Session.open(plan)) {
      for (int step = 0; step < 100; step++) {
        feed.advance();
        peer.step(feed, out);
        session.step(feed.x(), expected);
        for (int i = 0; i < units; i++) {
          largest = Math.max(largest, Math.abs(out[i] - expected[i]));
        }
      }
      assertThat(largest).isBetween(1e-4f, TOLERANCE);
      assertThat(peer.work().bytes()).isEqualTo(8.0 * units * units);
    }
  }
}

package io.github.stillgate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetworksTest {
  /** Other tokens than those it was set on, and more of them. */
  @ParameterizedTest
  @ValueSource(doubles = {0.43, 0.25})
  void eachLayerHasTheShareOfLiveUnitsThatWasAskedFor(double live) {
    Model model = Networks.conditional(128, live);
    SplittableRandom tokens = new SplittableRandom(3);
    float[] out = new float[Networks.TOKENS];
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      for (int step = 0; step < 2000; step++) {
        session.step(tokens.nextInt(Networks.TOKENS), out);
      }
      for (int layer = 0; layer < 2; layer++) {
        assertThat(session.stats().liveFraction(layer))
            .as("layer %d", layer)
            .isCloseTo(live, Offset.offset(0.03));
      }
    }
  }
}

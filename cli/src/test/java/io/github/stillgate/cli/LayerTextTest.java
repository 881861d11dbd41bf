package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Elementwise;
import org.junit.jupiter.api.Test;

/** Layers are called by the names their users know. */
class LayerTextTest {
  private static String text(float threshold) {
    return LayerText.of(
        new Elementwise(
            "f", 3, Activation.LINEAR.then(Activation.Function.THRESHOLD, threshold, 0)));
  }

  @Test
  void aThresholdOfZeroIsARelu() {
    assertThat(text(0)).isEqualTo("each value, relu");
    assertThat(text(-0f)).isEqualTo("each value, relu");
    assertThat(text(0.5f)).isEqualTo("each value, threshold");
    assertThat(text(-0.5f)).isEqualTo("each value, threshold");
  }
}

package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.model.Model;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The equations of the contracts against those of another program. */
class Float64ModelTest {
  private static final List<String> SRU = SruVectors.NAMES;

  @ParameterizedTest
  @FieldSource("SRU")
  void numpyComputesTheSame(String name) {
    SruVectors.assertFloat64Agrees(SruVectors.network(name), SruVectors.vectors(name));
  }

  @Test
  void numpyComputesTheSameBehindEstimates() {
    SruVectors.assertFloat64Agrees(
        ConditionalDenseVectors.network(), ConditionalDenseVectors.vectors());
  }

  /** The steps of a stream and the layers one after the other over the sequence. */
  @Test
  void stepsAreTheSequence() {
    Model model = TestModels.sru(9, 7, 3);
    double[][] inputs = new double[12][9];
    for (int t = 0; t < inputs.length; t++) {
      inputs[t][t % 9] = 1;
    }
    double[][] outputs = Float64Model.sequence(model, inputs);
    Float64Model steps = new Float64Model(model);
    for (int t = 0; t < inputs.length; t++) {
      assertThat(steps.step(inputs[t])).as("step %d", t).isEqualTo(outputs[t]);
    }
  }
}

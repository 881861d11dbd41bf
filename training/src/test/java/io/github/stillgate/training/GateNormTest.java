package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class GateNormTest {
  @BeforeAll
  static void requirePyTorch() {
    try {
      Engine.getEngine("PyTorch");
    } catch (EngineException | IllegalArgumentException absent) {
      abort("PyTorch's natives are not here: " + absent.getMessage());
    }
  }

  /**
   * DJL's momentum is one minus PyTorch's; taken the wrong way round, the last step is all there
   * is.
   */
  @Test
  void oneStepHardlyMovesThePopulationStatisticsAndManyReplaceThem() {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      GateNorm norm = new GateNorm(new Parameters(manager, 1), "gate", 1, Recipe.Shift.constant(0));
      float[] outlier = {9, 11, 9, 11};
      norm.normalise(manager.create(outlier, new Shape(4, 1)), true);
      assertThat(mean(norm)).isBetween(0.01, 0.2);
      for (int step = 0; step < 1000; step++) {
        norm.normalise(manager.create(outlier, new Shape(4, 1)), true);
      }
      assertThat(mean(norm)).isBetween(9.9, 10.1);
    }
  }

  /** With s = 0, offset = -k mean. */
  private static double mean(GateNorm norm) {
    return -norm.offsets()[0] / norm.factors()[0];
  }
}

package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.Test;

@RequiresPyTorch
class GateNormTest {
  /**
   * DJL's momentum is one minus PyTorch's; taken the wrong way round, the last step is all there
   * is.
   */
  @Test
  void oneStepHardlyMovesThePopulationStatisticsAndManyReplaceThem() {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      GateNorm norm = new GateNorm(new Parameters(manager, 1), "gate", 1, recipe(0, 0));
      float[] outlier = {9, 11, 9, 11};
      norm.normalise(manager.create(outlier, new Shape(4, 1)), true);
      assertThat(mean(norm)).isBetween(0.01, 0.2);
      for (int step = 0; step < 1000; step++) {
        norm.normalise(manager.create(outlier, new Shape(4, 1)), true);
      }
      assertThat(mean(norm)).isBetween(9.9, 10.1);
    }
  }

  /**
   * At the end of its schedule the gate in training is the gate that is exported, a = k v + offset,
   * whatever the batch is.
   */
  @Test
  void atTheEndTheGatesOfTrainingAreThoseOfThePopulation() {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      GateNorm norm = new GateNorm(new Parameters(manager, 1), "gate", 2, recipe(-0.5f, 50));
      norm.beginUpdate(0);
      float[] population = {-3, 8, 1, 12, -1, 9, 3, 11};
      for (int step = 0; step < 1000; step++) {
        norm.normalise(manager.create(population, new Shape(4, 2)), true);
      }
      double[] k = norm.factors();
      double[] offsets = norm.offsets();
      float[] batch = {5, 10, 6, 10, 7, 11, 9, 12};
      norm.beginUpdate(99);
      float[] a = norm.normalise(manager.create(batch, new Shape(4, 2)), true).toFloatArray();
      for (int i = 0; i < a.length; i++) {
        assertThat(a[i]).isCloseTo((float) (k[i % 2] * batch[i] + offsets[i % 2]), within(1e-4f));
      }
      norm.beginUpdate(49);
      float[] before = norm.normalise(manager.create(batch, new Shape(4, 2)), true).toFloatArray();
      assertThat((before[0] + before[2] + before[4] + before[6]) / 4)
          .isCloseTo(-0.5f, within(1e-4f));
    }
  }

  /** An array of the manager that lives as long as the training is an array that is never freed. */
  @Test
  void aStepLeavesNothingBehind() {
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      GateNorm norm = new GateNorm(new Parameters(manager, 1), "gate", 2, recipe(0, 100));
      norm.beginUpdate(99);
      int before = manager.getManagedArrays().size();
      try (NDManager window = manager.newSubManager()) {
        norm.normalise(
            window.create(new float[] {5, 10, 6, 10, 7, 11, 9, 12}, new Shape(4, 2)), true);
      }
      assertThat(manager.getManagedArrays()).hasSize(before);
    }
  }

  private static Recipe recipe(float shift, int population) {
    return new Recipe(
        new Recipe.Network(Recipe.Cell.FULL, 2, 1, 1),
        Recipe.Shift.constant(shift),
        Recipe.Schedule.paper(100).withPopulation(population));
  }

  /** With s = 0, offset = -k mean. */
  private static double mean(GateNorm norm) {
    return -norm.offsets()[0] / norm.factors()[0];
  }
}

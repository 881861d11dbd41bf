package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Gradients against differences of the loss, with the memory that autograd must not read reused.
 */
@RequiresPyTorch
class GradientTest {
  private static final int BATCH = 16;
  private static final int STEPS = 5;

  /** Half the distance of the two losses; the loss is float32, and its slope bends. */
  private static final float STEP = 2e-3f;

  @ParameterizedTest
  @CsvSource({
    "GRU, 0",
    "GRU_RESET_BEFORE, 0",
    "LSTM, 0",
    "SRU, 0",
    "FULL, 0",
    "UNIT, 0",
    "BLOCK, 0",
    "HYBRID, 0",
    "UNIT, 0.3",
    "BLOCK, 0.3",
    "HYBRID, 0.3"
  })
  void aGradientIsTheSlopeOfTheLoss(Recipe.Cell cell, float targetLive) {
    Recipe recipe =
        new Recipe(
            new Recipe.Network(cell, 12, 2, 4),
            targetLive > 0 ? Recipe.Shift.learned(targetLive) : Recipe.Shift.constant(0.25f),
            Recipe.Schedule.paper(1));
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      CharNetwork network = new CharNetwork(manager, recipe);
      network.beginUpdate(0);
      SplittableRandom random = new SplittableRandom(5);
      int[] inputs = tokens(random);
      int[] targets = tokens(random);
      Map<String, float[]> gradients = gradients(manager, network, inputs, targets, true);
      gradients.forEach((name, gradient) -> {
        NDArray parameter = network.parameters.trainable().get(name);
        float[] values = parameter.toFloatArray();
        float[] direction = new float[values.length];
        double expected = 0;
        double size = Math.sqrt(values.length);
        for (int i = 0; i < values.length; i++) {
          direction[i] = (random.nextBoolean() ? 1 : -1) + 3 * Math.signum(gradient[i]);
          expected += gradient[i] * direction[i] / size;
        }
        assertThat(expected).as(name).isFinite();
        double above =
            lossAt(manager, network, parameter, values, direction, STEP / size, inputs, targets);
        double below =
            lossAt(manager, network, parameter, values, direction, -STEP / size, inputs, targets);
        parameter.set(values);
        assertThat((above - below) / (2 * STEP))
            .as(name)
            .isCloseTo(expected, within(2e-3 + 0.03 * Math.abs(expected)));
      });
    }
  }

  /**
   * Towards the population the slope of the loss is another, since the correction is taken for a
   * constant; but what is freed must not show.
   */
  @ParameterizedTest
  @EnumSource(names = {"FULL", "UNIT", "BLOCK", "HYBRID"})
  void aGradientTowardsThePopulationReadsNothingThatIsFreed(Recipe.Cell cell) {
    Recipe recipe =
        new Recipe(
            new Recipe.Network(cell, 12, 2, 4),
            Recipe.Shift.learned(0.3f),
            Recipe.Schedule.paper(1).withPopulation(1));
    try (NDManager manager = Engine.getEngine("PyTorch").newBaseManager()) {
      CharNetwork network = new CharNetwork(manager, recipe);
      network.beginUpdate(0);
      SplittableRandom random = new SplittableRandom(5);
      int[] inputs = tokens(random);
      int[] targets = tokens(random);
      Map<String, float[]> statistics = network.parameters.copyStatistics();
      Map<String, float[]> kept = gradients(manager, network, inputs, targets, false);
      network.parameters.trainable().values().forEach(p -> p.getGradient().subi(p.getGradient()));
      network.parameters.restoreStatistics(statistics);
      Map<String, float[]> freed = gradients(manager, network, inputs, targets, true);
      kept.forEach((name, gradient) -> assertThat(freed.get(name)).as(name).isEqualTo(gradient));
    }
  }

  private static Map<String, float[]> gradients(
      NDManager manager, CharNetwork network, int[] inputs, int[] targets, boolean free) {
    try (NDManager window = manager.newSubManager();
        GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
      List<float[]> state = network.zeroState(BATCH);
      NDArray loss =
          network.withPenalties(network.loss(window, inputs, targets, state, true, null));
      if (free) {
        overwriteFreedMemory();
      }
      collector.backward(loss);
      Map<String, float[]> gradients = new LinkedHashMap<>();
      network
          .parameters
          .trainable()
          .forEach((name, p) -> gradients.put(name, p.getGradient().toFloatArray()));
      return gradients;
    }
  }

  private static int[] tokens(SplittableRandom random) {
    return random.ints(BATCH * STEPS, 0, 27).toArray();
  }

  /**
   * DJL hands Java buffers to PyTorch and frees them when it closes their array; what autograd
   * still reads of them must show.
   */
  private static void overwriteFreedMemory() {
    for (int round = 0; round < 3; round++) {
      System.gc();
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      for (int i = 0; i < 2000; i++) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(4 + 4 * (i % 16));
        for (int at = 0; at < buffer.capacity(); at++) {
          buffer.put(at, (byte) 0x7f);
        }
      }
    }
  }

  private static double lossAt(
      NDManager manager,
      CharNetwork network,
      NDArray parameter,
      float[] values,
      float[] direction,
      double step,
      int[] inputs,
      int[] targets) {
    float[] moved = values.clone();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += (float) (step * direction[i]);
    }
    parameter.set(moved);
    try (NDManager window = manager.newSubManager()) {
      List<float[]> state = network.zeroState(BATCH);
      NDArray loss = network.loss(window, inputs, targets, state, true, null);
      return network.withPenalties(loss).getFloat();
    }
  }
}

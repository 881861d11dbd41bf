package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.List;

/**
 * The layers of a network one after the other, each in a plan and a session of its own, so that
 * what passes between them can be seen. It has the bits of the network. Use by one thread at a
 * time.
 */
final class LayerChain implements AutoCloseable {
  /** Above whatever a layer can give; the network's own plan has proved that nothing overflows. */
  private static final float ANY = 0x1p60f;

  private final List<Stage> stages = new ArrayList<>();

  /** One layer. */
  private record Stage(Plan plan, Session session, float[] output) {}

  /**
   * Opens the layers.
   *
   * @param crossovers of the layers, as the whole network's plan found them, or none
   */
  LayerChain(Model model, PlanOptions options, double... crossovers) {
    try {
      for (int at = 0; at < model.layers().size(); at++) {
        stages.add(stage(model, at, options, crossovers));
      }
    } catch (Throwable failure) {
      close();
      throw failure;
    }
  }

  private static Stage stage(Model model, int at, PlanOptions options, double... crossovers) {
    Layer layer = model.layers().get(at);
    Model alone = at == 0 ? Estimates.withLayers(model, List.of(layer)) : new Model(List.of(layer));
    PlanOptions own = at == 0 ? options : options.withInputBound(ANY);
    Plan plan =
        Plan.compile(alone, crossovers.length == 0 ? own : own.withCrossover(crossovers[at]));
    try {
      return new Stage(plan, Session.open(plan), new float[layer.outputs()]);
    } catch (Throwable failure) {
      plan.close();
      throw failure;
    }
  }

  /** All layers are as at the beginning of a stream. */
  void reset() {
    stages.forEach(stage -> stage.session().reset());
  }

  /**
   * One step of layer {@code at} on the step's input, if it is the first, or on what the layer
   * before gave.
   *
   * @return what it gives, overwritten by its next step
   */
  float[] step(int at, TuningData.Sequence sequence, int step) {
    Stage stage = stages.get(at);
    if (at == 0) {
      sequence.step(stage.session(), step, stage.output());
    } else {
      stage.session().step(stages.get(at - 1).output(), stage.output());
    }
    return stage.output();
  }

  /** One step of layer {@code at} on a vector of others. */
  float[] step(int at, float[] input) {
    Stage stage = stages.get(at);
    stage.session().step(input, stage.output());
    return stage.output();
  }

  /** What layer {@code at} gave in its last step. */
  float[] output(int at) {
    return stages.get(at).output();
  }

  /** What layer {@code at} did. */
  Session session(int at) {
    return stages.get(at).session();
  }

  /** Weight bytes of layer {@code at}, all units computed. */
  long denseBytes(int at) {
    return stages.get(at).plan().denseBytesPerStep();
  }

  @Override
  public void close() {
    stages.forEach(stage -> stage.plan().close());
  }
}

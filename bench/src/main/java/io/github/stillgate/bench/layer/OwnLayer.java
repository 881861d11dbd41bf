package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.util.List;

/** A plan of one layer, on one thread like every contender. */
abstract sealed class OwnLayer implements Contender permits OwnStream, OwnBatch, OwnSequence {
  private final Plan plan;

  OwnLayer(Layer layer, PlanOptions options) {
    this.plan = Plan.compile(new Model(List.of(layer)), options);
  }

  /**
   * The way that fits the case.
   *
   * @throws io.github.stillgate.core.plan.BackendUnavailableException if what the options ask for
   *     is not here
   */
  static OwnLayer of(Layer layer, PlanOptions options, Case one) {
    if (one.steps() > 1) {
      return new OwnSequence(layer, options);
    }
    return one.streams() > 1
        ? new OwnBatch(layer, options, one.streams())
        : new OwnStream(layer, options);
  }

  final Plan plan() {
    return plan;
  }

  @Override
  public final String name() {
    return plan.options().blas()
        ? plan.backend() + " + " + Blas.system().identity().kind().title()
        : plan.backend();
  }

  @Override
  public final WeightFormat weights() {
    return plan.options().weights();
  }

  @Override
  public final void warmUp() {
    plan.warmUp();
  }

  /** Closes what steps through the plan. */
  abstract void closeRun();

  @Override
  public final void close() {
    closeRun();
    plan.close();
  }
}

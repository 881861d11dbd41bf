package io.github.stillgate.bench.peer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import java.util.List;

/** A session of one of our backends. */
final class OwnStream implements Contender {
  private final Plan plan;
  private final Session session;

  OwnStream(Layer layer, String backend, WeightFormat weights) {
    this.plan = plan(layer, backend, weights);
    this.session = Session.open(plan);
  }

  /** A plan of one layer. */
  static Plan plan(Layer layer, String backend, WeightFormat weights) {
    PlanOptions options = PlanOptions.defaults().withBackend(backend).withWeights(weights);
    return Plan.compile(new Model(List.of(layer)), options);
  }

  @Override
  public String name() {
    return plan.backend();
  }

  @Override
  public WeightFormat weights() {
    return plan.options().weights();
  }

  @Override
  public void step(float[][] x, float[][] out) {
    session.step(x[0], out[0]);
  }

  @Override
  public void warmUp() {
    plan.warmUp();
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

package io.github.stillgate.bench.peer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.List;

/** A session of one of our backends. */
final class OwnStep implements StepContender {
  private final String backend;
  private final Plan plan;
  private final Session session;

  OwnStep(Layer layer, String backend) {
    this.backend = backend;
    this.plan =
        Plan.compile(new Model(List.of(layer)), PlanOptions.defaults().withBackend(backend));
    plan.warmUp();
    this.session = Session.open(plan);
  }

  @Override
  public String name() {
    return backend;
  }

  @Override
  public void step(float[] x, float[] out) {
    session.step(x, out);
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

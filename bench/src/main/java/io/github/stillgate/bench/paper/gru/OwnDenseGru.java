package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;

/** The full GRU as a session runs it, for one stream. */
final class OwnDenseGru implements DenseGru {
  private final Plan plan;
  private final Session session;
  private final float[] out;

  OwnDenseGru(Model gru, Backend backend) {
    this.plan = Plan.compile(gru, PlanOptions.defaults().withBackend(backend.name()));
    plan.warmUp();
    this.session = Session.open(plan);
    this.out = new float[gru.outputs()];
  }

  @Override
  public String name() {
    return "stillgate " + plan.backend();
  }

  @Override
  public void step(int[] tokens) {
    session.step(tokens[0], out);
  }

  @Override
  public int likeliest(int stream) {
    return DenseGru.likeliest(out);
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

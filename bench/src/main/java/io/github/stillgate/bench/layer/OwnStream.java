package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;

/** A session of one of our backends. */
final class OwnStream extends OwnLayer {
  private final Session session;

  OwnStream(Layer layer, PlanOptions options) {
    super(layer, options);
    this.session = Session.open(plan());
  }

  @Override
  public void run(float[][] x, float[][] out) {
    session.step(x[0], out[0]);
  }

  @Override
  void closeRun() {
    session.close();
  }
}

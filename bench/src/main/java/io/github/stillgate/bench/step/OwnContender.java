package io.github.stillgate.bench.step;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.BackendUnavailableException;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;

/** A session of one of our backends. */
final class OwnContender implements Contender {
  private final Plan plan;
  private final Session session;
  private final boolean tokens;

  /**
   * @throws AbsentException if the backend cannot run here
   */
  OwnContender(Model model, PlanOptions options) {
    try {
      this.plan = Plan.compile(model, options);
    } catch (BackendUnavailableException missing) {
      throw new AbsentException(missing.getMessage());
    }
    this.session = Session.open(plan);
    this.tokens = model.readsTokens();
  }

  /** Compiles what steps, and measures from which live fraction on a step computes every unit. */
  OwnContender warmedUp() {
    plan.warmUp();
    return this;
  }

  @Override
  public void step(Feed feed, float[] out) {
    if (tokens) {
      session.step(feed.token(), out);
    } else {
      session.step(feed.x(), out);
    }
  }

  @Override
  public Work work() {
    StepStats stats = session.stats();
    double live = 0;
    double moved = 0;
    for (int layer = 0; layer < stats.layers(); layer++) {
      live += stats.units(layer) == 0 ? 0 : stats.liveFraction(layer);
      moved += stats.movedFraction(layer);
    }
    int recurrent = tokens ? stats.layers() - 1 : stats.layers();
    return new Work(
        (double) stats.totalBytesRead() / Math.max(1, stats.steps()),
        keepsSums() ? moved / stats.layers() : Double.NaN,
        tokens ? live / recurrent : Double.NaN);
  }

  private boolean keepsSums() {
    return !tokens && plan.options().weights() == WeightFormat.I8;
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

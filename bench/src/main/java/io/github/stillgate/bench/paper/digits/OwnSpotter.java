package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.Optional;

/** A network in a {@link Session}. */
final class OwnSpotter implements Spotter {
  private final Variant variant;
  private final Plan plan;
  private final Session session;

  /**
   * A network on a new stream.
   *
   * @param backend by name, or empty for the best
   */
  OwnSpotter(Model model, Variant variant, Optional<String> backend) {
    this.variant = variant;
    PlanOptions options = variant.options(model);
    this.plan = Plan.compile(model, backend.map(options::withBackend).orElse(options));
    this.session = Session.open(plan);
  }

  @Override
  public String variant() {
    return variant.name();
  }

  @Override
  public String runsIn() {
    return plan.backend();
  }

  /** Until its kernels are compiled. */
  void warmUp() {
    plan.warmUp();
  }

  @Override
  public void step(float[] frame, float[] probabilities) {
    session.step(frame, probabilities);
  }

  StepStats stats() {
    return session.stats();
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

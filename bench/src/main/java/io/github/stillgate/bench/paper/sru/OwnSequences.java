package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;

/** Our {@link Sequence}, one sequence after the other. */
final class OwnSequences implements SequenceBatch {
  private final Plan plan;
  private final Sequence sequence;

  OwnSequences(Model model, PlanOptions options) {
    this.plan = Plan.compile(model, options);
    this.sequence = Sequence.open(plan);
  }

  @Override
  public String name() {
    return plan.backend() + ", Sequence";
  }

  @Override
  public void run(float[][][] x, float[][][] out) {
    for (int s = 0; s < x.length; s++) {
      sequence.reset();
      out[s] = sequence.run(x[s]);
    }
  }

  @Override
  public void close() {
    sequence.close();
    plan.close();
  }
}

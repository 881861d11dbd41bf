package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.BatchSession;
import java.util.ArrayList;
import java.util.List;

/** Our {@link BatchSession}, all sequences step by step together; for layers of one direction. */
final class OwnStreams implements SequenceBatch {
  private final Plan plan;
  private final BatchSession batch;
  private final List<BatchSession.Stream> streams = new ArrayList<>();

  OwnStreams(Model model, PlanOptions options, int sequences) {
    this.plan = Plan.compile(model, options);
    this.batch = BatchSession.open(plan, sequences);
    for (int s = 0; s < sequences; s++) {
      streams.add(batch.join());
    }
  }

  @Override
  public String name() {
    return plan.backend() + ", BatchSession";
  }

  @Override
  public void run(float[][][] x, float[][][] out) {
    streams.forEach(BatchSession.Stream::reset);
    for (int t = 0; t < x[0].length; t++) {
      for (int s = 0; s < x.length; s++) {
        streams.get(s).feed(x[s][t]);
      }
      batch.step();
      for (int s = 0; s < x.length; s++) {
        streams.get(s).read(out[s][t]);
      }
    }
  }

  @Override
  public void close() {
    batch.close();
    plan.close();
  }
}

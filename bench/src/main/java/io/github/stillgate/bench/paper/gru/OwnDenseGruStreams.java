package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.BatchSession;
import java.util.ArrayList;
import java.util.List;

/** The full GRU as a batch session runs it, for many streams. */
final class OwnDenseGruStreams implements DenseGru {
  private final Plan plan;
  private final BatchSession batch;
  private final List<BatchSession.Stream> streams = new ArrayList<>();
  private final float[] out;

  OwnDenseGruStreams(Model gru, Backend backend, int count) {
    this.plan = Plan.compile(gru, PlanOptions.defaults().withBackend(backend.name()));
    plan.warmUp();
    this.batch = BatchSession.open(plan, count);
    for (int s = 0; s < count; s++) {
      streams.add(batch.join());
    }
    this.out = new float[gru.outputs()];
  }

  @Override
  public String name() {
    return "stillgate " + plan.backend();
  }

  @Override
  public void step(int[] tokens) {
    for (int s = 0; s < tokens.length; s++) {
      streams.get(s).feed(tokens[s]);
    }
    batch.step();
  }

  @Override
  public int likeliest(int stream) {
    streams.get(stream).read(out);
    return DenseGru.likeliest(out);
  }

  @Override
  public void close() {
    batch.close();
    plan.close();
  }
}

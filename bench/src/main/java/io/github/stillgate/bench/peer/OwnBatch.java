package io.github.stillgate.bench.peer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import java.util.ArrayList;
import java.util.List;

/** A batch session of one of our backends, on one thread like every contender. */
final class OwnBatch implements Contender {
  private final Plan plan;
  private final BatchSession batch;
  private final List<BatchSession.Stream> streams = new ArrayList<>();

  OwnBatch(Layer layer, String backend, WeightFormat weights, int count) {
    this.plan = OwnStream.plan(layer, backend, weights);
    this.batch = BatchSession.open(plan, count);
    for (int s = 0; s < count; s++) {
      streams.add(batch.join());
    }
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
    for (int s = 0; s < x.length; s++) {
      streams.get(s).feed(x[s]);
    }
    batch.step();
    for (int s = 0; s < out.length; s++) {
      streams.get(s).read(out[s]);
    }
  }

  @Override
  public void warmUp() {
    plan.warmUp();
  }

  @Override
  public void close() {
    batch.close();
    plan.close();
  }
}

package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.BatchSession;
import java.util.ArrayList;
import java.util.List;

/** A batch session of one of our backends. */
final class OwnBatch extends OwnLayer {
  private final BatchSession batch;
  private final List<BatchSession.Stream> streams = new ArrayList<>();

  OwnBatch(Layer layer, PlanOptions options, int count) {
    super(layer, options);
    this.batch = BatchSession.open(plan(), count);
    for (int s = 0; s < count; s++) {
      streams.add(batch.join());
    }
  }

  @Override
  public void run(float[][] x, float[][] out) {
    for (int s = 0; s < x.length; s++) {
      streams.get(s).feed(x[s]);
    }
    batch.step();
    for (int s = 0; s < out.length; s++) {
      streams.get(s).read(out[s]);
    }
  }

  @Override
  void closeRun() {
    batch.close();
  }
}

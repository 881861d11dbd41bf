package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;

/** Whole sequences in one of our backends. */
final class OwnSequence extends OwnLayer {
  private final Sequence sequence;

  OwnSequence(Layer layer, PlanOptions options) {
    super(layer, options);
    this.sequence = Sequence.open(plan());
  }

  @Override
  public void run(float[][] x, float[][] out) {
    float[][] result = sequence.run(x);
    System.arraycopy(result, 0, out, 0, result.length);
  }

  @Override
  void closeRun() {
    sequence.close();
  }
}

package io.github.stillgate.bench.paper.sparse;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;

/** The quality of an exported network, by the library: one stream, step by step. */
final class SparseScore {
  private final float[] tokens;
  private final float[] targets;
  private final float[] lengths;

  private SparseScore(float[] tokens, float[] targets, float[] lengths) {
    this.tokens = tokens;
    this.targets = targets;
    this.lengths = lengths;
  }

  /**
   * Scores the network of a finished run on its tests.
   *
   * @return percent of texts that get their class, bits a character, or perplexity
   */
  static double of(SparseRun run) throws IOException {
    Model model = Model.load(run.model());
    SparseScore score = read(run);
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      float[] out = new float[model.outputs()];
      if (run.isMoreBetter()) {
        return score.accuracy(session, out);
      }
      double nats = score.nats(session, out);
      return run.quality().equals("bits") ? nats / Math.log(2) : Math.exp(nats);
    }
  }

  private static SparseScore read(SparseRun run) throws IOException {
    try (WeightsFile file = WeightsFile.open(run.tests())) {
      boolean texts = file.tensors().containsKey("lengths");
      SparseScore score =
          new SparseScore(
              file.tensor("tokens").toFloats(),
              file.tensor("targets").toFloats(),
              texts ? file.tensor("lengths").toFloats() : new float[0]);
      if (texts != run.isMoreBetter()) {
        throw new IOException(
            "%s is not of a run of %s: it has %s"
                .formatted(run.tests(), run.task(), texts ? "texts" : "one stream"));
      }
      return score;
    }
  }

  private double accuracy(Session session, float[] out) {
    int right = 0;
    int at = 0;
    for (int text = 0; text < lengths.length; text++) {
      session.reset();
      for (int step = 0; step < (int) lengths[text]; step++) {
        session.step((int) tokens[at++], out);
      }
      right += said(out) == (int) targets[text] ? 1 : 0;
    }
    return 100.0 * right / lengths.length;
  }

  /** One output is the probability of class 1; else the most probable class. */
  private static int said(float[] out) {
    if (out.length == 1) {
      return out[0] > 0.5f ? 1 : 0;
    }
    int best = 0;
    for (int i = 1; i < out.length; i++) {
      if (out[i] > out[best]) {
        best = i;
      }
    }
    return best;
  }

  private double nats(Session session, float[] out) {
    double sum = 0;
    for (int step = 0; step < tokens.length; step++) {
      session.step((int) tokens[step], out);
      sum -= Math.log(Math.max(out[(int) targets[step]], Float.MIN_NORMAL));
    }
    return sum / tokens.length;
  }
}

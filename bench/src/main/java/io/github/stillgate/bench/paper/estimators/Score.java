package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.paper.estimators.EstimatedRuns.Trained;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.io.IOException;
import java.util.Arrays;

/**
 * One trained network, run by the library over the test part.
 *
 * @param configuration {@code control} or its ranks
 * @param seed what it began from
 * @param error in percent, by the library
 * @param trainerError in percent, by the trainer
 * @param same share of the pictures that both give the same class
 * @param live alpha of each hidden layer, by the library; 1 for dense layers
 * @param agreement share of right decisions of each hidden layer's estimate, by the trainer
 * @param missed share of each hidden layer's units that are positive and left out, by the trainer
 * @param positive share of each hidden layer's units that are positive, by the trainer
 * @param bound of the factor over the dense network, in weights, at this live fraction
 * @param bytes dense weight bytes over those that steps read
 */
record Score(
    String configuration,
    int seed,
    double error,
    @JsonProperty("trainer_error") double trainerError,
    @JsonProperty("same_class") double same,
    double[] live,
    double[] agreement,
    double[] missed,
    double[] positive,
    double bound,
    @JsonProperty("bytes_factor") double bytes) {
  /**
   * Runs {@code network} over all pictures, one stream.
   *
   * @throws IOException if its file cannot be read, or its trainer saw other pictures
   */
  static Score of(Trained network, Digits digits) throws IOException {
    if (network.classes().length != digits.size()) {
      throw new IOException(
          "%s: its trainer gave %d classes, the test part has %d pictures"
              .formatted(network.file(), network.classes().length, digits.size()));
    }
    Model model = Model.load(network.file());
    int hidden = model.layers().size() - 1;
    double[] live = new double[model.layers().size()];
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      float[] out = new float[model.outputs()];
      int wrong = 0;
      int same = 0;
      for (int i = 0; i < digits.size(); i++) {
        session.step(digits.pictures()[i], out);
        int given = largest(out);
        wrong += given == digits.classes()[i] ? 0 : 1;
        same += given == network.classes()[i] ? 1 : 0;
      }
      StepStats stats = session.stats();
      Arrays.setAll(live, stats::liveFraction);
      try (Plan dense = Plan.compile(Bound.dense(model))) {
        return new Score(
            network.configuration(),
            network.seed(),
            100.0 * wrong / digits.size(),
            network.test().path("error").asDouble(),
            (double) same / digits.size(),
            Arrays.copyOf(live, hidden),
            shares(network, "agreement"),
            shares(network, "missed"),
            shares(network, "positive"),
            Bound.network(model, live),
            (double) dense.denseBytesPerStep() * stats.steps() / stats.totalBytesRead());
      }
    }
  }

  private static double[] shares(Trained network, String name) {
    double[] shares = new double[network.test().path(name).size()];
    Arrays.setAll(shares, l -> network.test().path(name).get(l).asDouble());
    return shares;
  }

  /** The first of the largest values, as the trainer takes it. */
  static int largest(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }
}

package io.github.stillgate.bench.network;

import io.github.stillgate.bench.step.AbsentException;
import io.github.stillgate.bench.step.Contender;
import io.github.stillgate.bench.step.Feed;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.BackendUnavailableException;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.List;

/** A session of one of our backends, which takes and gives values by name where there are many. */
final class OwnNetwork implements Contender {
  private final Plan plan;
  private final Session session;
  private final boolean isPlain;
  private final Ports inputs;
  private final Ports outputs;

  /** Names with an array for each. */
  private record Ports(String[] names, float[][] values) {
    static Ports of(Graph graph, List<String> names) {
      return new Ports(
          names.toArray(String[]::new),
          names.stream().map(name -> new float[graph.width(name)]).toArray(float[][]::new));
    }
  }

  /**
   * @throws AbsentException if the backend cannot run here
   */
  OwnNetwork(Model model, String backend) {
    try {
      this.plan = Plan.compile(model, PlanOptions.defaults().withBackend(backend));
    } catch (BackendUnavailableException missing) {
      throw new AbsentException(missing.getMessage());
    }
    this.session = Session.open(plan);
    Graph graph = model.graph();
    this.isPlain = model.hasOneInputAndOutput();
    this.inputs = Ports.of(graph, graph.inputs().stream().map(Graph.Value::name).toList());
    this.outputs = Ports.of(graph, graph.outputs());
  }

  @Override
  public void step(Feed feed, float[] out) {
    if (isPlain) {
      session.step(feed.x(), out);
      return;
    }
    int at = 0;
    for (int i = 0; i < inputs.names.length; i++) {
      float[] values = inputs.values[i];
      System.arraycopy(feed.x(), at, values, 0, values.length);
      session.set(inputs.names[i], values);
      at += values.length;
    }
    session.step();
    at = 0;
    for (int i = 0; i < outputs.names.length; i++) {
      float[] values = outputs.values[i];
      session.get(outputs.names[i], values);
      System.arraycopy(values, 0, out, at, values.length);
      at += values.length;
    }
  }

  @Override
  public Work work() {
    return new Work(
        (double) session.stats().totalBytesRead() / Math.max(1, session.stats().steps()),
        Double.NaN,
        Double.NaN);
  }

  /** The plan. */
  Plan plan() {
    return plan;
  }

  @Override
  public void close() {
    session.close();
    plan.close();
  }
}

package io.github.stillgate.bench.network;

import io.github.stillgate.bench.step.Feed;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StreamRun;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where the time of a step goes.
 *
 * @param backend ours that ran it
 * @param layers in the order they run
 */
record LayerTimes(String backend, List<Share> layers) {
  private static final int WARM_UP_STEPS = 20_000;
  private static final int STEPS = 2001;

  /**
   * A layer's median.
   *
   * @param name of the layer
   * @param kind of layer
   * @param nanos of one step, less what reading the clock takes
   */
  record Share(String name, String kind, double nanos) {}

  /** Steps on changing inputs, the clock read behind each layer. */
  static LayerTimes of(Model model, String backend) {
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend(backend))) {
      StreamRun stream = NetworkAccess.of(plan).openStream();
      try {
        return new LayerTimes(backend, shares(model, stream));
      } finally {
        stream.close();
      }
    }
  }

  private static List<Share> shares(Model model, StreamRun stream) {
    List<Layer> layers = model.layers();
    Graph graph = model.graph();
    int[] widths = graph.inputs().stream().mapToInt(Graph.Value::width).toArray();
    Feed feed = Feed.changing(Arrays.stream(widths).sum());
    long[] clock = new long[layers.size() + 1];
    long[][] times = new long[layers.size()][STEPS];
    for (int step = -WARM_UP_STEPS; step < STEPS; step++) {
      feed.advance();
      stream.enter();
      try {
        int at = 0;
        for (int i = 0; i < widths.length; i++) {
          MemorySegment.copy(feed.x(), at, stream.input(i), ValueLayout.JAVA_FLOAT, 0, widths[i]);
          at += widths[i];
        }
        stream.begin();
        stream.step(clock);
        stream.finish();
      } finally {
        stream.exit();
      }
      for (int layer = 0; step >= 0 && layer < times.length; layer++) {
        times[layer][step] = clock[layer + 1] - clock[layer];
      }
    }
    double reading = reading();
    List<Share> shares = new ArrayList<>();
    for (int layer = 0; layer < times.length; layer++) {
      shares.add(
          new Share(
              layers.get(layer).name(),
              layers.get(layer).getClass().getSimpleName(),
              Math.max(0, median(times[layer]) - reading)));
    }
    return shares;
  }

  /** What reading the clock takes. */
  private static double reading() {
    int readings = 100_000;
    long from = System.nanoTime();
    long last = from;
    for (int i = 0; i < readings; i++) {
      last = System.nanoTime();
    }
    return (double) (last - from) / readings;
  }

  private static double median(long[] times) {
    Arrays.sort(times);
    return times[times.length / 2];
  }
}

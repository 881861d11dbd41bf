package io.github.stillgate.bench.network;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.step.Row;
import io.github.stillgate.bench.step.StepFork;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * One JVM of {@link NetworkBench}: the rows of one network in turns, every step timed, and where
 * the time of a step goes if that is asked for. Prints what it found as one line of JSON.
 */
public final class NetworkFork {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private NetworkFork() {}

  /**
   * What one JVM says.
   *
   * @param times of all rows
   * @param layers where the time of a step of ours goes; empty unless asked for
   * @param least what a step has to do at least
   */
  record Said(StepFork.Said times, List<LayerTimes> layers, LeastWork least) {}

  /** Runs with the arguments NETWORK SECONDS LAYERS ROW..., the first in JSON. */
  public static void main(String[] args) throws IOException {
    NetworkCase network = JSON.readValue(args[0], NetworkCase.class);
    Said said =
        run(
            network,
            Double.parseDouble(args[1]),
            Boolean.parseBoolean(args[2]),
            List.of(args).subList(3, args.length));
    System.out.println(JSON.writeValueAsString(said));
  }

  /** The arguments that {@link #main} reads. */
  static List<String> arguments(
      NetworkCase network, double seconds, boolean layers, List<String> rows) throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                JSON.writeValueAsString(network),
                Double.toString(seconds),
                Boolean.toString(layers)));
    arguments.addAll(rows);
    return arguments;
  }

  /** Checks the answers of the rows that are named, and times them. */
  static Said run(NetworkCase network, double seconds, boolean layers, List<String> named)
      throws IOException {
    NetworkRows rows = new NetworkRows(network, network.read());
    List<Row> chosen =
        rows.all().stream().filter(row -> named.stream().anyMatch(row::isIn)).toList();
    StepFork.Said times = StepFork.run(chosen, _ -> rows.outputs(), seconds);
    List<LayerTimes> shares = new ArrayList<>();
    if (layers) {
      for (String backend : NetworkRows.BACKENDS) {
        if (times.found().stream().anyMatch(one -> one.id().equals(NetworkRows.id(backend)))) {
          shares.add(LayerTimes.of(rows.model(), backend));
        }
      }
    }
    return new Said(times, shares, LeastWork.of(rows.model()));
  }
}

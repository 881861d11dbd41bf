package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.bench.paper.Race;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Times batches of sequences: everybody who runs a shape in turn, within each trial, on one thread.
 */
final class Timings {
  /** Rounding in another order, and other polynomials for the same functions. */
  private static final double TOLERANCE = 1e-4;

  private final int sequences;
  private final int trials;
  private final PrintStream progress;

  /**
   * @param sequences of a batch
   * @param trials how often each batch runs
   * @param progress gets a line a contender
   */
  Timings(int sequences, int trials, PrintStream progress) {
    this.sequences = sequences;
    this.trials = trials;
    this.progress = progress;
  }

  /**
   * Bidirectional stacks: LSTM of 3 layers against SRU of 3, 4 and 6.
   *
   * @param inputs values a step, the width of a word vector
   * @param units of a layer and direction
   * @param lengths steps of the sequences, a shape each
   */
  List<SruResults.TimeLine> drqa(int inputs, int units, List<Integer> lengths) {
    List<SruResults.TimeLine> lines = new ArrayList<>();
    for (int steps : lengths) {
      Map<String, Model> networks = new LinkedHashMap<>();
      networks.put("LSTM 3", Stacks.lstm(inputs, units, 3, true));
      for (int layers : new int[] {3, 4, 6}) {
        networks.put("SRU " + layers, Stacks.sru(inputs, units, layers, true));
      }
      lines.addAll(shape(networks, units, steps, false));
    }
    return lines;
  }

  /** One layer of one direction as wide as its input: LSTM against SRU. */
  List<SruResults.TimeLine> computation(List<Integer> widths, List<Integer> lengths) {
    List<SruResults.TimeLine> lines = new ArrayList<>();
    for (int units : widths) {
      for (int steps : lengths) {
        Map<String, Model> networks = new LinkedHashMap<>();
        networks.put("LSTM", Stacks.lstm(units, units, 1, false));
        networks.put("SRU", Stacks.sru(units, units, 1, false));
        lines.addAll(shape(networks, units, steps, true));
      }
    }
    return lines;
  }

  /** One contender of a shape. */
  private record Entry(String network, Model model, SequenceBatch contender, float[][][] out) {}

  private List<SruResults.TimeLine> shape(
      Map<String, Model> networks, int units, int steps, boolean together) {
    int inputs = networks.values().iterator().next().inputs();
    float[][][] x = inputs(steps, inputs);
    List<Entry> entries = new ArrayList<>();
    try {
      networks.forEach((network, model) -> {
        for (SequenceBatch contender : contenders(network, model, steps, together)) {
          entries.add(
              new Entry(network, model, contender, new float[sequences][steps][model.outputs()]));
        }
      });
      requireEqualAnswers(entries, x);
      List<Race.Contender> race = new ArrayList<>();
      for (Entry entry : entries) {
        race.add(count -> {
          for (int i = 0; i < count; i++) {
            entry.contender().run(x, entry.out());
          }
        });
      }
      List<Race.Time> times = Race.run(race, trials, 1);
      List<SruResults.TimeLine> lines = new ArrayList<>();
      for (int i = 0; i < entries.size(); i++) {
        lines.add(line(entries.get(i), times.get(i), units, steps));
      }
      return lines;
    } finally {
      entries.forEach(entry -> entry.contender().close());
    }
  }

  private List<SequenceBatch> contenders(String network, Model model, int steps, boolean together) {
    List<SequenceBatch> all = new ArrayList<>();
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
      if (!backend.name().equals("reference")) {
        all.add(new OwnSequences(model, options));
        if (together) {
          all.add(new OwnStreams(model, options, sequences));
        }
      }
    }
    if (network.startsWith("LSTM")) {
      SequenceBatch.peer(model, sequences, steps).ifPresent(all::add);
    }
    return all;
  }

  private float[][][] inputs(int steps, int width) {
    SplittableRandom random = new SplittableRandom(12);
    float[][][] x = new float[sequences][steps][width];
    for (float[][] sequence : x) {
      for (float[] vector : sequence) {
        for (int i = 0; i < width; i++) {
          vector[i] = (float) random.nextDouble(-1, 1);
        }
      }
    }
    return x;
  }

  /**
   * All who run one network must agree.
   *
   * @throws IllegalStateException if two do not
   */
  private static void requireEqualAnswers(List<Entry> entries, float[][][] x) {
    Map<String, Entry> first = new LinkedHashMap<>();
    for (Entry entry : entries) {
      entry.contender().run(x, entry.out());
      float[][][] expected = first.computeIfAbsent(entry.network(), _ -> entry).out();
      for (int s = 0; s < x.length; s++) {
        for (int t = 0; t < x[s].length; t++) {
          for (int k = 0; k < expected[s][t].length; k++) {
            float value = entry.out()[s][t][k];
            // Deep stacks of SRU have large values.
            double near = TOLERANCE * Math.max(1, Math.abs(expected[s][t][k]));
            if (!(Math.abs(value - expected[s][t][k]) <= near)) {
              throw new IllegalStateException(
                  "%s, sequence %d, step %d: output %d of %s is %s, of %s %s"
                      .formatted(
                          entry.network(),
                          s,
                          t,
                          k,
                          entry.contender().name(),
                          value,
                          first.get(entry.network()).contender().name(),
                          expected[s][t][k]));
            }
          }
        }
      }
    }
  }

  private SruResults.TimeLine line(Entry entry, Race.Time time, int units, int steps) {
    long bytes;
    try (Plan plan = Plan.compile(entry.model())) {
      bytes = plan.denseBytesPerStep();
    }
    SruResults.TimeLine line =
        new SruResults.TimeLine(
            entry.network(),
            entry.contender().name(),
            entry.model().inputs(),
            units,
            sequences,
            steps,
            time.median() / 1e6,
            time.low() / 1e6,
            time.high() / 1e6,
            sequences * steps * Stacks.multiplications(entry.model()),
            bytes);
    progress.printf(
        Locale.ROOT,
        "%s, %d inputs, %d units, %d x %d steps, %s: %.2f ms%n",
        line.network(),
        line.inputs(),
        units,
        sequences,
        steps,
        line.contender(),
        line.median());
    return line;
  }
}

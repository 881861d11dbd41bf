package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.tuning.LayerStructure;
import io.github.stillgate.tuning.Pruning;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the library counts and scores of trained networks: a row of the paper's table each. */
final class SparseNetworks {
  /** Between the trainer's score and the library's: rounding, which may tip a text or two. */
  private static final double TOLERANCE = 2e-3;

  /** Points of accuracy within which two networks are equally good. */
  private static final double EQUAL_POINTS = 1;

  private SparseNetworks() {}

  /**
   * One trained network; counts are of the network without what nothing reads.
   *
   * @param run where it was trained
   * @param structures of its layers with gates
   * @param neurons units that are left, by layer
   * @param gates gates that are not constant, by layer
   * @param compression all weights over those that are not 0, biases not counted
   * @param nonZero weights that are not 0
   * @param scored quality on the run's tests, by the library
   * @param trainer the same by the trainer
   */
  record Row(
      SparseRun run,
      List<LayerStructure> structures,
      List<Integer> neurons,
      List<Integer> gates,
      double compression,
      long nonZero,
      double scored,
      double trainer) {
    /** Whether training removed everything. */
    boolean isEmpty() {
      return nonZero == 0;
    }

    /** Whether library and trainer give the network the same quality. */
    boolean agrees() {
      return Math.abs(scored - trainer) <= TOLERANCE * Math.abs(trainer);
    }

    /** As machines read it. */
    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("run", run.folder());
      json.put("task", run.task());
      json.put("method", run.method());
      json.put("settings", run.record().path("settings"));
      json.put("seconds", run.record().path("seconds"));
      json.put("quality", run.quality());
      json.put("valid", run.record().path("result").path("valid").path(run.quality()));
      json.put("test", run.record().path("result").path("test").path(run.quality()));
      json.put("scored", scored);
      json.put("trainer", trainer);
      json.put("neurons", neurons);
      json.put("gates", gates);
      json.put("compression", compression);
      json.put("patterns", structures.stream().map(LayerStructure::patterns).toList());
      return json;
    }
  }

  /** Loads, prunes, counts and scores the network of a finished run. */
  static Row measure(SparseRun run) throws IOException {
    Model model = Model.load(run.model());
    Model pruned = Pruning.of(model).pruned();
    List<LayerStructure> structures =
        LayerStructure.of(pruned).stream().filter(layer -> !layer.gates().isEmpty()).toList();
    List<LayerStructure> all = LayerStructure.of(model);
    long weights = all.stream().mapToLong(LayerStructure::weights).sum();
    long left = all.stream().mapToLong(LayerStructure::nonZeroWeights).sum();
    return new Row(
        run,
        structures,
        structures.stream().map(LayerStructure::units).toList(),
        structures.stream().map(LayerStructure::movingGates).toList(),
        (double) weights / Math.max(1, left),
        left,
        SparseScore.of(run),
        run.record().path("result").path("tests_file").path(run.quality()).asDouble());
  }

  /**
   * How alike two structures are: the part of units whose pattern the other layer has too, 1 for
   * the same mixture of patterns and 0 for none in common.
   */
  static double overlap(LayerStructure one, LayerStructure other) {
    double shared = 0;
    for (Map.Entry<String, Integer> entry : one.patterns().entrySet()) {
      double mine = (double) entry.getValue() / one.units();
      double its = (double) other.patterns().getOrDefault(entry.getKey(), 0) / other.units();
      shared += Math.min(mine, its);
    }
    return shared;
  }

  /**
   * Whether gates were ever fewer with group variables on gates than without, at equal quality.
   *
   * @param task of both
   * @param epochs that both have
   * @param fewer the first such epoch, 0 for none
   * @param times number of such epochs
   * @param without gates of W+N at the last common epoch
   * @param with gates of W+G+N there
   */
  record Crossing(
      String task,
      int epochs,
      @JsonProperty("first_epoch_with_fewer_gates") int fewer,
      @JsonProperty("epochs_with_fewer_gates") int times,
      double without,
      double with) {}

  /**
   * The crossings of all tasks that have both Bayesian runs, as far as both have gone: of one that
   * has only begun there is nothing to compare.
   */
  static List<Crossing> crossings(List<SparseRun> runs) {
    List<Crossing> crossings = new ArrayList<>();
    for (SparseRun without : runs) {
      for (SparseRun with : runs) {
        if (without.task().equals(with.task())
            && without.method().equals("bayes-wn")
            && with.method().equals("bayes-wgn")
            && commonEpochs(without, with) > 0) {
          crossings.add(crossing(without, with));
        }
      }
    }
    return crossings;
  }

  private static int commonEpochs(SparseRun without, SparseRun with) {
    return Math.min(without.gates().size(), with.gates().size());
  }

  private static Crossing crossing(SparseRun without, SparseRun with) {
    int epochs = commonEpochs(without, with);
    int fewer = 0;
    int times = 0;
    for (int epoch = epochs; epoch >= 1; epoch--) {
      double gap = with.qualities().get(epoch - 1) - without.qualities().get(epoch - 1);
      boolean asGood =
          with.isMoreBetter()
              ? gap >= -EQUAL_POINTS
              : gap <= 0.01 * without.qualities().get(epoch - 1);
      if (asGood && with.gates().get(epoch - 1) < without.gates().get(epoch - 1)) {
        fewer = epoch;
        times++;
      }
    }
    return new Crossing(
        with.task(),
        epochs,
        fewer,
        times,
        without.gates().get(epochs - 1),
        with.gates().get(epochs - 1));
  }
}

package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.LstmStructure;
import io.github.stillgate.bench.layer.Case;
import io.github.stillgate.bench.layer.Contender;
import io.github.stillgate.bench.strategy.Turns;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One JVM of {@link Structures}: the LSTMs of one structure, whole and sparse, on every fast
 * backend, and the whole ones in ONNX Runtime if it is here, in turns. Prints a JSON array of
 * {@link Turns.Time}.
 */
public final class StructureFork {
  /** How a network stands in the results: this, a space, and who runs it. */
  static final String WHOLE = "whole";

  static final String UNITS = "units";
  static final String GATES = "gates";

  private static final int VECTORS = 256;

  private final List<Turns.Contender> contenders = new ArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final float[][] x;

  private StructureFork(LstmStructure structure) {
    SplittableRandom random = new SplittableRandom(11);
    x = new float[VECTORS][structure.inputs()];
    for (float[] vector : x) {
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) random.nextDouble(-1, 1);
      }
    }
  }

  /** Runs with the arguments INPUTS TURNS. */
  public static void main(String[] args) throws Exception {
    LstmStructure structure = LstmStructure.of(Integer.parseInt(args[0]));
    System.out.println(
        JsonMapper.builder().build().writeValueAsString(run(structure, Integer.parseInt(args[1]))));
  }

  static List<Turns.Time> run(LstmStructure structure, int turns) throws Exception {
    StructureFork fork = new StructureFork(structure);
    try {
      for (Backend backend : BackendRegistry.usable()) {
        if (!backend.name().equals("reference")) {
          fork.add(WHOLE, structure.dense(), Skipping.NOTHING, backend.name());
          fork.add(UNITS, structure.unitsRemoved(), Skipping.STILL_UNITS, backend.name());
          fork.add(GATES, structure.gatesConstant(), Skipping.STILL_UNITS, backend.name());
        }
      }
      fork.addPeer(structure);
      return Turns.run(fork.contenders, turns);
    } finally {
      for (AutoCloseable one : fork.open) {
        one.close();
      }
    }
  }

  private void add(String network, Model model, Skipping skipping, String backend)
      throws IOException {
    Plan plan =
        Plan.compile(model, PlanOptions.defaults().withBackend(backend).withSkipping(skipping));
    plan.warmUp();
    Session session = Session.open(plan);
    open.addFirst(plan);
    open.addFirst(session);
    float[] out = new float[model.outputs()];
    int[] next = {0};
    contenders.add(
        new Turns.Contender(
            network + " " + backend, () -> session.step(x[next[0]++ % VECTORS], out)));
  }

  /** Two single layers, one after the other: ONNX Runtime's own stack has no cheaper way. */
  private void addPeer(LstmStructure structure) {
    int n = structure.inputs();
    List<Contender> layers = new ArrayList<>();
    for (Layer layer : structure.dense().layers()) {
      Contender.peer(layer, new Case("lstm", n, 1, 1)).ifPresent(layers::add);
    }
    if (!layers.isEmpty()) {
      open.addAll(layers);
      float[][] between = new float[1][n];
      float[][] out = new float[1][n];
      float[][] in = new float[1][];
      int[] next = {0};
      contenders.add(
          new Turns.Contender(
              WHOLE + " ONNX Runtime",
              () -> {
                in[0] = x[next[0]++ % VECTORS];
                layers.get(0).run(in, between);
                layers.get(1).run(between, out);
              }));
    }
  }
}

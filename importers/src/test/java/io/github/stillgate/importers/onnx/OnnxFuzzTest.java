package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.google.protobuf.Message;
import io.github.stillgate.contract.FuzzRun;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files end in a documented exception whose message begins with the file, or are networks
 * that run and give numbers; and each takes bounded memory and time.
 */
class OnnxFuzzTest {
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");

  /** What one file may allocate: it has a few kilobytes. */
  private static final long MOST_BYTES = 256L << 20;

  /** Generous, since other things run on the machine too. */
  private static final Duration LONGEST = Duration.ofSeconds(10);

  @TempDir private Path folder;

  private enum Outcome {
    NO_GRAPH,
    NO_NETWORK,
    NO_PLAN,
    NETWORK,
    CASE
  }

  @Test
  void everySeedIsANetwork() {
    FuzzedGraphs graphs = new FuzzedGraphs(new SplittableRandom(1));
    for (int k = 0; k < FuzzedGraphs.SEEDS; k++) {
      byte[] bytes = graphs.seed(k).toByteArray();
      assertThat(OnnxFile.parse(Path.of("seed" + k), bytes).model().layers()).isNotEmpty();
    }
  }

  @Test
  void damagedFiles() throws Exception {
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    FuzzRun run = FuzzRun.begin("onnx", 2_000);
    while (run.next()) {
      SplittableRandom random = run.random();
      FuzzedGraphs graphs = new FuzzedGraphs(random);
      ModelProto seed = graphs.seed(random.nextInt(FuzzedGraphs.SEEDS));
      Allocation allocation = new Allocation();
      long start = System.nanoTime();
      Outcome outcome;
      try {
        outcome =
            switch (random.nextInt(8)) {
              case 0, 1 -> graph(graphs.damaged(seed.toByteArray()));
              case 2 -> testCase(graphs, seed, random);
              default -> {
                Message changed = seed;
                for (int i = random.nextInt(1, 4); i > 0; i--) {
                  changed = graphs.changed(changed);
                }
                yield graph(changed.toByteArray());
              }
            };
      } catch (Throwable failure) {
        throw new AssertionError("%s: %s".formatted(run, failure), failure);
      }
      assertThat(allocation.bytes()).as("bytes allocated, %s", run).isLessThan(MOST_BYTES);
      assertThat(System.nanoTime() - start)
          .as("nanoseconds, %s", run)
          .isLessThan(LONGEST.toNanos());
      outcomes.merge(outcome, 1, Integer::sum);
    }
    System.out.println("fuzz onnx: " + run.round() + " files, " + outcomes);
    assertThat(outcomes).containsKeys(Outcome.values());
  }

  private static Outcome graph(byte[] bytes) {
    Path path = Path.of("fuzzed.onnx");
    OnnxFile file;
    try {
      file = OnnxFile.parse(path, bytes);
    } catch (OnnxFormatException | UnsupportedOnnxException e) {
      requireClear(path, e);
      return Outcome.NO_GRAPH;
    }
    for (OnnxFile.Node node : file.recurrentNodes()) {
      try {
        file.network(node.name());
      } catch (OnnxFormatException | UnsupportedOnnxException e) {
        requireClear(path, e);
      }
    }
    Model model;
    try {
      OnnxFile.Import network = file.network();
      model = network.model();
      // Each output has exactly one account, in the order of the graph.
      assertThat(
              network.accounts().stream()
                  .filter(account -> account.part() == Account.Part.OUTPUT)
                  .map(Account::name))
          .containsExactlyElementsOf(file.graph().outputs());
    } catch (OnnxFormatException | UnsupportedOnnxException e) {
      requireClear(path, e);
      return Outcome.NO_NETWORK;
    }
    try (Plan plan = Plan.compile(model, REFERENCE)) {
      if (model.isChain()) {
        runs(plan);
      } else {
        steps(plan);
      }
      return Outcome.NETWORK;
    } catch (IllegalArgumentException e) {
      // Sums that could overflow.
      return Outcome.NO_PLAN;
    }
  }

  private static void runs(Plan plan) {
    try (Sequence sequence = Sequence.open(plan)) {
      for (float[] step : sequence.run(new float[3][plan.model().inputs()])) {
        requireFinite(step);
      }
    }
  }

  private static void steps(Plan plan) {
    Graph graph = plan.model().graph();
    try (Session session = Session.open(plan)) {
      for (int t = 0; t < 3; t++) {
        graph.inputs().forEach(input -> session.set(input.name(), new float[input.width()]));
        session.step();
        for (String output : graph.outputs()) {
          float[] values = new float[graph.width(output)];
          session.get(output, values);
          requireFinite(values);
        }
      }
    }
  }

  private static void requireFinite(float[] values) {
    for (float value : values) {
      assertThat(value).isFinite();
    }
  }

  private static void requireClear(Path path, RuntimeException e) {
    assertThat(e.getMessage()).startsWith(path + ": ").hasSizeLessThan(2_200);
    assertThat(e.getMessage().chars()).allMatch(c -> c >= ' ');
  }

  private Outcome testCase(FuzzedGraphs graphs, ModelProto seed, SplittableRandom random)
      throws Exception {
    Message model = random.nextInt(3) == 0 ? graphs.changed(seed) : seed;
    boolean batchFirst =
        seed.getGraph().getInput(0).getType().getTensorType().getShape().getDim(0).getDimValue()
            == 1;
    Message input =
        graphs.tensor(
            "x",
            batchFirst ? 1 : FuzzedGraphs.STEPS,
            batchFirst ? FuzzedGraphs.STEPS : 1,
            FuzzedGraphs.INPUTS);
    Message output = graphs.tensor("y", FuzzedGraphs.STEPS, 1, 1, FuzzedGraphs.UNITS);
    for (int i = random.nextInt(3); i > 0; i--) {
      input = graphs.changed(input);
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      output = graphs.changed(output);
    }
    Path set = Files.createDirectories(folder.resolve("test_data_set_0"));
    Files.write(folder.resolve("model.onnx"), model.toByteArray());
    Files.write(set.resolve("input_0.pb"), input.toByteArray());
    for (int i = 0; i < 3; i++) {
      Files.write(set.resolve("output_%d.pb".formatted(i)), output.toByteArray());
    }
    assertThat(new OnnxCase(folder).run(REFERENCE, 1e-3)).isNotNull();
    return Outcome.CASE;
  }
}

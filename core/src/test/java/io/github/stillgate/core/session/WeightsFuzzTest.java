package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.contract.FuzzRun;
import io.github.stillgate.contract.MutatedWeights;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that are nearly good are refused with the documented exception, or load, run, prove and
 * save like any other.
 */
class WeightsFuzzTest {
  /** Bytes allocated to load one of these files, which take a few KB each. */
  private static final long MEMORY = 8L << 20;

  @TempDir private Path directory;

  private final Map<String, Integer> outcomes = new TreeMap<>();

  private static List<Model> models() {
    return List.of(
        TestModels.conditional(5, 7, 3, 1),
        TestModels.full(4, 5, 2),
        TestModels.block(4, 2, 3, 3),
        TestModels.hybrid(4, 2, 3, 4),
        TestModels.gru(4, 6, 5),
        TestModels.estimated(4, 5, 2, 0.1f, 6),
        TestModels.resetBefore(4, 5, 7),
        TestModels.resetBias(4, 5, 8),
        TestModels.lstm(4, 5, 3, 9),
        TestModels.coupled(4, 5, 10),
        TestModels.bidirectional(3, 4, 11),
        TestModels.sru(4, 5, 13),
        TestModels.sruDirections(3, 4, 14),
        TestModels.conditionalDense(4, 5, 2, 15),
        TestModels.vectors(3, 4, 2, 12));
  }

  /** The models' files, every second one with a proof. */
  private List<byte[]> files() throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (Model model : models()) {
      WeightsWriter writer = model.writer(DType.F32, Map.of("note", "x"));
      if (files.size() % 2 == 0) {
        ProofVectors.Case one =
            new ProofVectors.Case(
                "c", Optional.empty(), new float[2][model.inputs()], new float[2][model.outputs()]);
        new ProofVectors(List.of(one)).addTo(writer, new ProofVectors.Met(0.5, 0.25));
      }
      Path path = directory.resolve("seed.safetensors");
      writer.write(path);
      files.add(Files.readAllBytes(path));
    }
    return files;
  }

  @Test
  void aNearlyGoodFileIsRefusedOrRunsAndIsSavedAgain() throws IOException {
    List<byte[]> files = files();
    Path path = directory.resolve("mutated.safetensors");
    FuzzRun run = FuzzRun.begin("weights files", 600);
    while (run.next()) {
      SplittableRandom random = run.random();
      byte[] file = MutatedWeights.of(files.get(random.nextInt(files.size())), random);
      Files.write(path, file);
      try {
        examine(path, random);
      } catch (Throwable e) {
        Path kept = Files.createTempFile("stillgate-fuzz", ".safetensors");
        Files.write(kept, file);
        throw new AssertionError("%s, file %s".formatted(run, kept), e);
      }
    }
    System.out.println("fuzz weights files: " + outcomes);
    assertThat(outcomes.keySet()).contains("refused", "run", "saved again");
  }

  private void count(String outcome) {
    outcomes.merge(outcome, 1, Integer::sum);
  }

  private void examine(Path path, SplittableRandom random) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    Model model;
    Optional<ProofVectors> proof;
    try (WeightsFile file = WeightsFile.open(path)) {
      model = Model.from(file);
      proof = ProofVectors.carriedBy(file);
    } catch (WeightsFormatException e) {
      assertThat(e.getMessage()).startsWith(path + ": ");
      assertThat(e.getMessage().lines()).hasSize(1);
      count("refused");
      return;
    } finally {
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MEMORY);
    }
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend("reference"))) {
      runOn(plan, random);
      proof.ifPresent(vectors -> prove(plan, vectors));
    } catch (IllegalArgumentException e) {
      count("no plan");
    }
    saveAgain(model);
  }

  private void runOn(Plan plan, SplittableRandom random) {
    float[][] input = new float[3][plan.model().inputs()];
    for (float[] step : input) {
      for (int i = 0; i < step.length; i++) {
        step[i] = (float) random.nextDouble();
      }
    }
    try (Sequence sequence = Sequence.open(plan)) {
      for (float[] output : sequence.run(input)) {
        for (float value : output) {
          assertThat(value).isFinite();
        }
      }
    }
    count("run");
  }

  private void prove(Plan plan, ProofVectors vectors) {
    try {
      Proof.replay(plan, vectors, 1e-3);
      count("proved");
    } catch (IllegalArgumentException | ProofFailedException e) {
      count("not proved");
    }
  }

  private void saveAgain(Model model) throws IOException {
    Path again = directory.resolve("again.safetensors");
    model.save(again);
    Model loaded = Model.load(again);
    assertThat(loaded.fingerprint()).isEqualTo(model.fingerprint());
    assertThat(loaded.formerFingerprint()).isEqualTo(model.formerFingerprint());
    count("saved again");
  }
}

package io.github.stillgate.importers.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.contract.FuzzRun;
import io.github.stillgate.contract.MutatedWeights;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** State dicts that are nearly good are refused as documented, or imported and saved. */
class StateDictFuzzTest {
  private static final String LAYERS =
      "emb, gru:a, lstm:b, rnn:c, sru:d:tanh, lstm:cell, bn:norm, linear:fc, relu, conv1d:conv,"
          + " linear:out:softmax";

  @TempDir private Path folder;

  private byte[] good() throws IOException {
    WeightsWriter writer = new WeightsWriter().metadata("format", "pt");
    matrix(writer, "emb.weight", 5, 3);
    recurrent(writer, "a", 3, "_l0", 3, 4);
    recurrent(writer, "a", 3, "_l1", 4, 4);
    recurrent(writer, "b", 4, "_l0", 4, 2);
    recurrent(writer, "b", 4, "_l0_reverse", 4, 2);
    recurrent(writer, "c", 1, "_l0", 4, 3);
    matrix(writer, "d.rnn_lst.0.weight", 3, 9);
    writer.tensor("d.rnn_lst.0.weight_c", new float[] {1, 0, 2, 0, -1, 0}, 6);
    writer.tensor("d.rnn_lst.0.bias", new float[6], 6);
    writer.tensor("d.rnn_lst.0.scale_x", new float[] {1.5f}, 1);
    recurrent(writer, "module.cell", 4, "", 3, 2);
    writer.tensor("norm.running_mean", new float[] {0.5f, 1}, 2);
    writer.tensor("norm.running_var", new float[] {0.5f, 2}, 2);
    matrix(writer, "fc.weight_v", 3, 2);
    writer.tensor("fc.weight_g", new float[] {1, 2, 3}, 3, 1);
    writer.tensor("conv.weight_orig", new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3, 1);
    writer.tensor("conv.weight_u", new float[] {1, 0, 0}, 3);
    writer.tensor("conv.weight_v", new float[] {0, 1, 0}, 3);
    matrix(writer, "out.weight", 5, 3);
    writer.tensor("out.bias", new float[5], 5);
    Path path = folder.resolve("good.safetensors");
    writer.write(path);
    return Files.readAllBytes(path);
  }

  private static void recurrent(
      WeightsWriter writer, String name, int gates, String suffix, int inputs, int units) {
    matrix(writer, name + ".weight_ih" + suffix, gates * units, inputs);
    matrix(writer, name + ".weight_hh" + suffix, gates * units, units);
    writer.tensor(name + ".bias_ih" + suffix, new float[gates * units], gates * units);
    writer.tensor(name + ".bias_hh" + suffix, new float[gates * units], gates * units);
  }

  private static void matrix(WeightsWriter writer, String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 7 / 8f - 0.25f;
    }
    writer.tensor(name, values, rows, columns);
  }

  @Test
  void aNearlyGoodStateDictIsRefusedOrImportedAndSaved() throws IOException {
    byte[] good = good();
    Path path = folder.resolve("mutated.safetensors");
    Map<String, Integer> outcomes = new TreeMap<>();
    FuzzRun run = FuzzRun.begin("state dicts", 400);
    while (run.next()) {
      SplittableRandom random = run.random();
      byte[] file = MutatedWeights.of(good, random);
      Files.write(path, file);
      try {
        outcomes.merge(examine(path), 1, Integer::sum);
      } catch (Throwable e) {
        Path kept = Files.createTempFile("stillgate-fuzz", ".safetensors");
        Files.write(kept, file);
        throw new AssertionError("%s, file %s".formatted(run, kept), e);
      }
    }
    System.out.println("fuzz state dicts: " + outcomes);
    assertThat(outcomes.keySet()).contains("refused", "imported");
  }

  private String examine(Path path) throws IOException {
    Model model;
    try (WeightsFile file = WeightsFile.open(path)) {
      model = StateDict.read(file, LayerRequest.parse(LAYERS), Optional.empty()).model();
    } catch (WeightsFormatException e) {
      assertThat(e.getMessage()).startsWith(path + ": ");
      assertThat(e.getMessage().lines()).hasSize(1);
      return "refused";
    } catch (IllegalArgumentException e) {
      return "does not fit";
    }
    Path again = folder.resolve("again.safetensors");
    model.save(again);
    assertThat(Model.load(again).fingerprint()).isEqualTo(model.fingerprint());
    return "imported";
  }
}

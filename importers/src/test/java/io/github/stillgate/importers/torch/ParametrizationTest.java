package io.github.stillgate.importers.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights that PyTorch computes of other tensors are what its formulas give in float64. */
class ParametrizationTest {
  private static final int ROWS = 5;
  private static final int COLUMNS = 7;

  @TempDir private Path folder;

  private final Random random = new Random(11);
  private final TensorFile file = new TensorFile();

  private double[] values(int length) {
    // What float32 holds, so that only the formula rounds.
    return random.doubles(length, -1, 1).map(v -> (float) v).toArray();
  }

  private static double norm(double[] v, int first, int count, int stride) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += v[first + i * stride] * v[first + i * stride];
    }
    return Math.sqrt(sum);
  }

  @ParameterizedTest
  @CsvSource({
    "fc.weight_g, fc.weight_v",
    "fc.parametrizations.weight.original0, fc.parametrizations.weight.original1"
  })
  void weightNormOfRowsInBothSpellings(String gName, String vName) throws IOException {
    double[] g = values(ROWS);
    double[] v = values(ROWS * COLUMNS);
    file.f32(gName, g, ROWS, 1).f32(vName, v, ROWS, COLUMNS).f32("fc.bias", values(ROWS), ROWS);
    double[] expected = new double[v.length];
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        expected[i * COLUMNS + j] = g[i] * v[i * COLUMNS + j] / norm(v, i * COLUMNS, COLUMNS, 1);
      }
    }
    StateDict.Import imported = assertFolded(expected);
    assertThat(imported.remarks()).containsExactly("fc.weight: weight norm is folded");
  }

  @Test
  void weightNormOfColumns() throws IOException {
    double[] g = values(COLUMNS);
    double[] v = values(ROWS * COLUMNS);
    file.f32("fc.weight_g", g, 1, COLUMNS).f32("fc.weight_v", v, ROWS, COLUMNS);
    double[] expected = new double[v.length];
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        expected[i * COLUMNS + j] = g[j] * v[i * COLUMNS + j] / norm(v, j, ROWS, COLUMNS);
      }
    }
    assertFolded(expected);
  }

  @ParameterizedTest
  @CsvSource({"0", "2"})
  void weightNormOfAll(int dimensions) throws IOException {
    double[] v = values(ROWS * COLUMNS);
    file.f32("fc.weight_g", new double[] {1.5}, dimensions == 0 ? new int[0] : new int[] {1, 1})
        .f32("fc.weight_v", v, ROWS, COLUMNS);
    double norm = norm(v, 0, v.length, 1);
    double[] expected = new double[v.length];
    for (int i = 0; i < v.length; i++) {
      expected[i] = 1.5 * v[i] / norm;
    }
    assertFolded(expected);
  }

  @Test
  void weightNormOfAConvolution() throws IOException {
    double[] v = values(ROWS * COLUMNS);
    double[] g = values(ROWS);
    file.f32("fc.weight_g", g, ROWS, 1, 1).f32("fc.weight_v", v, ROWS, COLUMNS, 1);
    double[] expected = new double[v.length];
    for (int i = 0; i < v.length; i++) {
      int row = i / COLUMNS;
      expected[i] = g[row] * v[i] / norm(v, row * COLUMNS, COLUMNS, 1);
    }
    assertFolded(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "fc.weight_orig, fc.weight_u, fc.weight_v, false",
    "fc.weight_orig, fc.weight_u, fc.weight_v, true",
    "fc.parametrizations.weight.original, fc.parametrizations.weight.0._u,"
        + " fc.parametrizations.weight.0._v, false"
  })
  void spectralNormInBothSpellings(String wName, String uName, String vName, boolean columns)
      throws IOException {
    double[] w = values(ROWS * COLUMNS);
    double[] u = values(columns ? COLUMNS : ROWS);
    double[] v = values(columns ? ROWS : COLUMNS);
    file.f32(wName, w, ROWS, COLUMNS).f32(uName, u, u.length).f32(vName, v, v.length);
    double sigma = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sigma += w[i * COLUMNS + j] * (columns ? u[j] * v[i] : u[i] * v[j]);
      }
    }
    double[] expected = new double[w.length];
    for (int i = 0; i < w.length; i++) {
      expected[i] = w[i] / sigma;
    }
    StateDict.Import imported = assertFolded(expected);
    assertThat(imported.remarks()).containsExactly("fc.weight: spectral norm is folded");
  }

  @Test
  void aPruningMask() throws IOException {
    double[] w = values(ROWS * COLUMNS);
    double[] mask = new double[w.length];
    for (int i = 0; i < w.length; i += 3) {
      mask[i] = 1;
    }
    file.f32("fc.weight_orig", w, ROWS, COLUMNS).f32("fc.weight_mask", mask, ROWS, COLUMNS);
    double[] expected = new double[w.length];
    for (int i = 0; i < w.length; i += 3) {
      expected[i] = w[i];
    }
    assertFolded(expected);
  }

  /** A GRU whose recurrent matrix is normalized is the one of the folded matrix. */
  @ParameterizedTest
  @CsvSource({
    "rnn.weight_hh_l0_g, rnn.weight_hh_l0_v",
    "rnn.parametrizations.weight_hh_l0.original0, rnn.parametrizations.weight_hh_l0.original1"
  })
  void weightNormInARecurrentModule(String gName, String vName) throws IOException {
    double[] g = values(12);
    double[] v = values(12 * 4);
    double[] w = values(12 * 3);
    double[] folded = new double[v.length];
    for (int i = 0; i < v.length; i++) {
      folded[i] = g[i / 4] * v[i] / norm(v, i / 4 * 4, 4, 1);
    }
    file.f32("rnn.weight_ih_l0", w, 12, 3).f32(gName, g, 12, 1).f32(vName, v, 12, 4);
    List<Layer> found = read("gru:rnn").model().layers();
    Path plain =
        new TensorFile()
            .f32("rnn.weight_ih_l0", w, 12, 3)
            .f32("rnn.weight_hh_l0", folded, 12, 4)
            .write(folder.resolve("plain.safetensors"));
    List<Layer> expected = read(plain, "gru:rnn").model().layers();
    assertThat(found.getFirst().tensors().keySet())
        .isEqualTo(expected.getFirst().tensors().keySet());
    expected
        .getFirst()
        .tensors()
        .forEach((name, matrix) ->
            assertClose(found.getFirst().tensors().get(name).toArray(), wide(matrix.toArray())));
  }

  private static double[] wide(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  @Test
  void aScaleThatDoesNotFit() throws IOException {
    file.f32("fc.weight_g", values(4), 4, 1).f32("fc.weight_v", values(35), ROWS, COLUMNS);
    assertRefused("fc.weight_g has shape [4, 1] and fc.weight_v has [5, 7]; weight norm has");
  }

  @Test
  void aRowOfZeros() throws IOException {
    double[] v = values(ROWS * COLUMNS);
    Arrays.fill(v, COLUMNS, 2 * COLUMNS, 0);
    file.f32("fc.weight_g", values(ROWS), ROWS, 1).f32("fc.weight_v", v, ROWS, COLUMNS);
    assertRefused("fc.weight_v: what value 1 of fc.weight_g multiplies is all 0");
  }

  @Test
  void vectorsOfASpectralNormThatDoNotFit() throws IOException {
    file.f32("fc.weight_orig", values(35), ROWS, COLUMNS)
        .f32("fc.weight_u", values(6), 6)
        .f32("fc.weight_v", values(6), 6);
    assertRefused("fc.weight_orig has shape [5, 7], fc.weight_u [6] and fc.weight_v [6]");
  }

  @Test
  void aSpectralNormOfZero() throws IOException {
    file.f32("fc.weight_orig", values(35), ROWS, COLUMNS)
        .f32("fc.weight_u", new double[ROWS], ROWS)
        .f32("fc.weight_v", values(COLUMNS), COLUMNS);
    assertRefused("fc.weight_orig: its spectral norm by fc.weight_u and fc.weight_v is 0.0");
  }

  @Test
  void halfOfAParametrization() throws IOException {
    file.f32("fc.weight_g", values(ROWS), ROWS, 1);
    assertRefused("fc.weight is made of [fc.weight_g]; expected _g and _v (weight norm)");
  }

  @Test
  void anUnknownParametrization() throws IOException {
    file.f32("fc.parametrizations.weight.original", values(35), ROWS, COLUMNS)
        .f32("fc.parametrizations.weight.0.base", values(35), ROWS, COLUMNS);
    assertRefused(
        "fc.weight is made of [fc.parametrizations.weight.0.base, fc.parametrizations.weight.original]",
        "torch.nn.utils.parametrize.remove_parametrizations(module, \"weight\")");
  }

  @Test
  void aParametrizationBesideTheWeightItself() throws IOException {
    file.f32("fc.weight", values(35), ROWS, COLUMNS)
        .f32("fc.parametrizations.weight.original0", values(ROWS), ROWS, 1)
        .f32("fc.parametrizations.weight.original1", values(35), ROWS, COLUMNS);
    assertRefused("fc.weight is in the file, and so is");
  }

  private StateDict.Import assertFolded(double[] expected) throws IOException {
    StateDict.Import imported = read("linear:fc");
    Dense layer = (Dense) imported.model().layers().getFirst();
    assertThat(layer.outputs()).isEqualTo(ROWS);
    assertThat(layer.inputs()).isEqualTo(COLUMNS);
    assertClose(layer.w().toArray(), expected);
    assertThat(imported.unused()).isEmpty();
    return imported;
  }

  /** Half a unit in the last place of float32, and a little for another order of the sums. */
  private static void assertClose(float[] found, double[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i])
          .as("value %d", i)
          .isCloseTo(expected[i], within(6.1e-8 * Math.abs(expected[i])));
    }
  }

  private StateDict.Import read(String layers) throws IOException {
    return read(file.write(folder.resolve("state.safetensors")), layers);
  }

  private static StateDict.Import read(Path path, String layers) throws IOException {
    try (WeightsFile weights = WeightsFile.open(path)) {
      return StateDict.readWhole(
          weights, LayerRequest.parse(layers), Optional.empty(), Map.of(), List.of());
    }
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> read("linear:fc"))
        .isInstanceOf(WeightsFormatException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }
}

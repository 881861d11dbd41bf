package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.DenseMatrix;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every backend's kernels promise, compared bit for bit with the documented order of
 * operations, which is written out here once more and shares no code with any kernel. Shapes are
 * never square and seldom a multiple of anything; memory behind every output is guarded.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract {
  private static final float GUARD = 4321.5f;

  private final Backend backend;
  private Arena arena;

  protected BackendContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void open() {
    RequiredBackend.check(backend);
    arena = Arena.ofShared();
  }

  @AfterEach
  void close() {
    if (arena != null) {
      arena.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1, 1",
    "5, 2, 7, 2, 27",
    "11, 2, 33, 2, 64",
    "7, 3, 65, 3, 31",
    "13, 1, 100, 1, 5",
    "9, 3, 256, 1, 300",
    "5, 3, 1030, 2, 513",
    "6, 2, 31, 3, 33",
    "27, 0, 1, 1, 130",
    "8, 2, 96, 0, 1"
  })
  void rowsFollowTheDocumentedOrder(
      int groups, int stateRows, int stateWidth, int inputRows, int inputWidth) {
    Random random = new Random(groups * 31L + stateWidth);
    List<DenseMatrix> overState = matrices(stateRows, groups, stateWidth, random);
    List<DenseMatrix> overInput = matrices(inputRows, groups, inputWidth, random);
    PackedRows rows = backend.packRows(new RowGroups(overState, overInput), arena);
    MemorySegment state = padded(random(stateWidth, 1, random));
    MemorySegment input = padded(random(inputWidth, 5, random));
    int stride = RowLayout.padded(groups);

    for (ActiveSet set : List.of(all(groups), every(2, groups), every(3, groups), none(groups))) {
      MemorySegment stateSums = guarded(stateRows * stride);
      MemorySegment inputSums = guarded(inputRows * stride);
      rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
      assertSums(set, 0, set.count(), overState, state, stateSums, stride);
      assertSums(set, 0, set.count(), overInput, input, inputSums, stride);
    }
  }

  @Test
  void aPartOfTheSetOrOfTheInputsLeavesTheRestAlone() {
    Random random = new Random(7);
    List<DenseMatrix> overState = matrices(2, 14, 45, random);
    List<DenseMatrix> overInput = matrices(2, 14, 20, random);
    PackedRows rows = backend.packRows(new RowGroups(overState, overInput), arena);
    MemorySegment state = padded(random(45, 1, random));
    ActiveSet set = every(2, 14);
    MemorySegment stateSums = guarded(64);
    MemorySegment inputSums = guarded(64);

    rows.multiply(set, 2, 6, state, stateSums, null, null);

    assertSums(set, 2, 6, overState, state, stateSums, 32);
    for (int i = 0; i < 64; i++) {
      assertBits(inputSums.getAtIndex(JAVA_FLOAT, i), GUARD, "input sum", i);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void rowsOfStillGroupsAreNotRead(int firstLive) {
    Random random = new Random(3);
    List<DenseMatrix> overState = matrices(2, 10, 70, random);
    List<DenseMatrix> overInput = matrices(2, 10, 40, random);
    // Poison: the rows of every group but each third are NaN, which spreads if it is ever added.
    for (DenseMatrix m : List.of(overState.get(0), overState.get(1), overInput.get(0))) {
      for (int row = 0; row < 10; row++) {
        if (row % 3 != firstLive) {
          Arrays.fill(m.values(), row * m.columns(), (row + 1) * m.columns(), Float.NaN);
        }
      }
    }
    PackedRows rows = backend.packRows(new RowGroups(overState, overInput), arena);
    MemorySegment state = padded(random(70, 1, random));
    MemorySegment input = padded(random(40, 1, random));
    ActiveSet set = new ActiveSet(10, arena);
    set.set(IntStream.range(0, 10).filter(i -> i % 3 == firstLive).toArray());
    MemorySegment stateSums = guarded(64);
    MemorySegment inputSums = guarded(64);
    rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
    for (int i = 0; i < 64; i++) {
      assertThat(stateSums.getAtIndex(JAVA_FLOAT, i)).isNotNaN();
      assertThat(inputSums.getAtIndex(JAVA_FLOAT, i)).isNotNaN();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 32, 0, 1, 1, 16",
    "1, 100, 0, 1, 1, 64",
    "1, 5, 1, 70, 1, 27",
    "3, 2, 2, 6, 2, 27",
    "7, 5, 2, 35, 2, 9",
    "4, 16, 2, 64, 2, 33",
    "5, 32, 2, 160, 2, 5",
    "2, 64, 2, 128, 0, 1",
    "3, 24, 3, 100, 1, 70",
    "6, 11, 1, 300, 3, 66"
  })
  void blocksFollowTheDocumentedOrder(
      int groups, int units, int stateRows, int stateWidth, int inputRows, int inputWidth) {
    Random random = new Random(groups * 31L + units);
    List<DenseMatrix> overState = matrices(stateRows, groups * units, stateWidth, random);
    List<DenseMatrix> overInput = matrices(inputRows, groups * units, inputWidth, random);
    PackedRows rows = backend.packRows(new RowGroups(units, overState, overInput), arena);
    MemorySegment state = padded(random(stateWidth, 1, random));
    MemorySegment input = padded(random(inputWidth, 5, random));

    for (ActiveSet set : List.of(all(groups), every(2, groups), every(3, groups), none(groups))) {
      MemorySegment stateSums = guarded(rows.layout().sumFloats(stateRows));
      MemorySegment inputSums = guarded(rows.layout().sumFloats(inputRows));
      rows.multiply(set, 0, set.count(), state, stateSums, input, inputSums);
      assertChains(set, units, overState, state, stateSums, rows);
      assertChains(set, units, overInput, input, inputSums, rows);
    }
  }

  /**
   * Blocks and single units, each stream with a set of its own; the bits are those of one stream.
   */
  @ParameterizedTest
  @CsvSource({
    "5, 1, 70, 3, true",
    "650, 1, 130, 11, true",
    "1100, 1, 161, 4, false",
    "4, 16, 64, 9, true",
    "3, 24, 33, 13, false",
    "1, 20, 40, 5, true"
  })
  void aStreamsBitsDoNotDependOnItsBatch(
      int groups, int units, int width, int streams, boolean withInput) {
    Random random = new Random(units);
    List<DenseMatrix> overState = matrices(2, groups * units, width, random);
    List<DenseMatrix> overInput = matrices(2, groups * units, width + 3, random);
    PackedRows rows = backend.packRows(new RowGroups(units, overState, overInput), arena);
    Batch batch = new Batch(streams + 2, groups, arena);
    List<MemorySegment> together = new ArrayList<>();
    List<MemorySegment> alone = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      batch.clear();
      together.clear();
      alone.clear();
      for (int stream = 0; stream < streams; stream++) {
        ActiveSet set = new ActiveSet(groups, arena);
        set.set(IntStream.range(0, groups).filter(_ -> random.nextInt(3) > 0).toArray());
        MemorySegment state = padded(random(width, 1, random));
        MemorySegment input = withInput ? padded(random(width + 3, 1, random)) : null;
        MemorySegment[] sums = new MemorySegment[4];
        for (int i = 0; i < 4; i++) {
          sums[i] = guarded(rows.layout().sumFloats(2));
        }
        batch.add(set, state, sums[0], input, withInput ? sums[1] : null);
        rows.multiply(set, 0, set.count(), state, sums[2], input, withInput ? sums[3] : null);
        together.addAll(List.of(sums[0], sums[1]));
        alone.addAll(List.of(sums[2], sums[3]));
      }
      rows.multiply(batch);
      for (int i = 0; i < together.size(); i++) {
        for (int k = 0; k < 2 * rows.layout().sumStride(); k++) {
          assertBits(at(together.get(i), k), at(alone.get(i), k), "sums " + i, k);
        }
        assertGuard(together.get(i), rows.layout().sumFloats(2));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void stillBlocksAreNotRead(int firstLive) {
    Random random = new Random(3);
    int units = 7;
    List<DenseMatrix> overState = matrices(2, 9 * units, 63, random);
    for (DenseMatrix m : overState) {
      for (int row = 0; row < 9 * units; row++) {
        if (row / units % 3 != firstLive) {
          Arrays.fill(m.values(), row * 63, (row + 1) * 63, Float.NaN);
        }
      }
    }
    PackedRows rows = backend.packRows(new RowGroups(units, overState, List.of()), arena);
    MemorySegment state = padded(random(63, 1, random));
    ActiveSet set = new ActiveSet(9, arena);
    set.set(IntStream.range(0, 9).filter(i -> i % 3 == firstLive).toArray());
    MemorySegment sums = guarded(rows.layout().sumFloats(2));
    MemorySegment batchSums = guarded(rows.layout().sumFloats(2));
    rows.multiply(set, 0, set.count(), state, sums, null, null);
    Batch batch = new Batch(1, 9, arena);
    batch.add(set, state, batchSums, null, null);
    rows.multiply(batch);
    for (int i = 0; i < 2 * rows.layout().sumStride(); i++) {
      assertThat(at(sums, i)).isNotNaN();
      assertThat(at(batchSums, i)).isNotNaN();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 257})
  void selectionFindsExactlyThePositiveScores(int n) {
    Random random = new Random(n);
    float[] scores = random(n, 1, random);
    scores[random.nextInt(n)] = 0f;
    scores[random.nextInt(n)] = -0f;
    scores[random.nextInt(n)] = Float.MIN_VALUE;
    scores[random.nextInt(n)] = Float.MAX_VALUE;
    MemorySegment segment = padded(scores);
    ActiveSet set = new ActiveSet(n, arena);
    backend.cells().selectPositive(n, segment, set);
    List<Integer> expected = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      if (scores[i] > 0) {
        expected.add(i);
      }
    }
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < set.count(); i++) {
      found.add(set.at(i));
    }
    assertThat(found).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 27, 32, 45, 130})
  void reluAndAddFollowTheirFormulas(int n) {
    Random random = new Random(n);
    MemorySegment state = padded(random(n, 1, random));
    MemorySegment input = padded(random(n, 1, random));
    MemorySegment bias = padded(random(n, 1, random));
    state.setAtIndex(JAVA_FLOAT, 0, -0f);
    input.setAtIndex(JAVA_FLOAT, 0, -0f);
    bias.setAtIndex(JAVA_FLOAT, 0, -0f);
    MemorySegment relu = guarded(RowLayout.padded(n));
    MemorySegment sum = guarded(RowLayout.padded(n));
    MemorySegment both = guarded(RowLayout.padded(n));
    fillPadding(relu, n);
    fillPadding(sum, n);
    fillPadding(both, n);
    backend.cells().relu(n, state, input, bias, relu);
    backend.cells().add(n, state, bias, sum);
    backend.cells().addBoth(n, state, input, bias, both);
    for (int i = 0; i < n; i++) {
      float v = (at(input, i) + at(state, i)) + at(bias, i);
      assertBits(at(relu, i), v > 0 ? v : 0f, "relu", i);
      assertBits(at(sum, i), at(state, i) + at(bias, i), "sum", i);
      assertBits(at(both, i), v, "both", i);
    }
    for (int i = n; i < RowLayout.padded(n); i++) {
      assertBits(at(relu, i), 0f, "padding", i);
      assertBits(at(sum, i), 0f, "padding", i);
      assertBits(at(both, i), 0f, "padding", i);
    }
    assertGuard(both, RowLayout.padded(n));
    assertGuard(relu, RowLayout.padded(n));
    assertGuard(sum, RowLayout.padded(n));
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "27, 0.01", "45, 4", "64, 1000", "130, 1e6"})
  void theGateIsPositiveExactlyWhereItsScoreIs(int n, float scale) {
    Random random = new Random(n);
    float[] scores = random(n, scale, random);
    scores[n / 2] = 0f;
    scores[n / 3] = Float.MIN_VALUE;
    scores[n / 4] = -0f;
    MemorySegment a = padded(scores);
    MemorySegment z = guarded(RowLayout.padded(n));
    fillPadding(z, n);
    backend.cells().clippedTanh(n, a, z);
    for (int i = 0; i < n; i++) {
      assertBits(at(z, i), scores[i] > 0 ? Elementary.tanh(scores[i]) : 0f, "z", i);
      assertThat(at(z, i) > 0).isEqualTo(scores[i] > 0);
    }
    assertPaddingAndGuard(z, n);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 2", "5, 9", "4, 16", "3, 33", "2, 64"})
  void blocksShareAGateAndScaleItUnitByUnit(int blocks, int blockUnits) {
    Random random = new Random(blocks);
    int n = blocks * blockUnits;
    MemorySegment p = padded(random(blocks, 1, random));
    p.setAtIndex(JAVA_FLOAT, 0, 0f);
    MemorySegment z = guarded(RowLayout.padded(n));
    fillPadding(z, n);
    backend.cells().spread(n, blockUnits, p, z);
    for (int i = 0; i < n; i++) {
      assertBits(at(z, i), at(p, i / blockUnits), "spread", i);
    }
    assertPaddingAndGuard(z, n);
    MemorySegment sums = padded(random(n, 4, random));
    MemorySegment bias = padded(random(n, 4, random));
    backend.cells().scaleBySigmoid(n, overwritable(sums), bias, z);
    for (int i = 0; i < n; i++) {
      float scale = Elementary.sigmoid(at(sums, i) + at(bias, i));
      assertBits(at(z, i), at(p, i / blockUnits) * scale, "scaled", i);
    }
    assertPaddingAndGuard(z, n);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "27, 0.01", "45, 4", "64, 1000", "130, 1e6"})
  void theConditionalCellMovesLiveUnitsOnly(int n, float scale) {
    Random random = new Random(n);
    int stride = RowLayout.padded(n);
    MemorySegment z = padded(random(n, 1, random));
    MemorySegment state = rowsOf(2, n, scale, random);
    MemorySegment input = rowsOf(2, n, scale, random);
    MemorySegment bias = rowsOf(2, n, 0.5f, random);
    float[] before = random(n, 1, random);
    special(before, random);
    for (int i = 0; i < n; i++) {
      z.setAtIndex(JAVA_FLOAT, i, Math.max(0f, at(z, i)));
    }
    z.setAtIndex(JAVA_FLOAT, n / 3, Float.MIN_VALUE);
    MemorySegment h = guardedCopy(before);
    backend.cells().conditionalGru(n, z, overwritable(state), input, bias, h);
    for (int i = 0; i < n; i++) {
      float expected = before[i];
      if (at(z, i) > 0) {
        float r = Elementary.sigmoid((at(input, i) + at(state, i)) + at(bias, i));
        int second = stride + i;
        float c =
            Elementary.tanh(Math.fma(r, at(state, second), at(input, second)) + at(bias, second));
        expected = blend(at(z, i), c, before[i]);
      }
      assertBits(at(h, i), expected, "h", i);
    }
    assertPaddingAndGuard(h, n);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "27, 0.01", "45, 4", "64, 1000", "130, 1e6"})
  void theGruCellFollowsItsFormula(int n, float scale) {
    Random random = new Random(n);
    int stride = RowLayout.padded(n);
    MemorySegment state = rowsOf(3, n, scale, random);
    MemorySegment input = rowsOf(3, n, scale, random);
    MemorySegment bias = rowsOf(3, n, 0.5f, random);
    float[] before = random(n, 1, random);
    special(before, random);
    MemorySegment h = guardedCopy(before);
    backend.cells().gru(n, overwritable(state), input, bias, h);
    for (int i = 0; i < n; i++) {
      int second = stride + i;
      int third = 2 * stride + i;
      float z = Elementary.sigmoid((at(input, i) + at(state, i)) + at(bias, i));
      float r = Elementary.sigmoid((at(input, second) + at(state, second)) + at(bias, second));
      float c = Elementary.tanh(Math.fma(r, at(state, third), at(input, third)) + at(bias, third));
      assertBits(at(h, i), blend(z, c, before[i]), "h", i);
    }
    assertPaddingAndGuard(h, n);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "27, 0.01", "45, 4", "64, 1000", "130, 1e6"})
  void pointwiseFunctionsFollowTheirFormulas(int n, float scale) {
    Random random = new Random(n);
    float[] values = random(n, scale, random);
    special(values, random);
    MemorySegment v = padded(values);
    for (Pointwise function : Pointwise.values()) {
      for (float[] constants : new float[][] {{0.3f, 0.7f}, {-1f, 1f}, {0f, Float.MAX_VALUE / 8}}) {
        MemorySegment out = guarded(RowLayout.padded(n));
        backend.cells().apply(function, constants[0], constants[1], n, v, out);
        for (int i = 0; i < n; i++) {
          float expected = Elementary.flush(function.of(values[i], constants[0], constants[1]));
          assertBits(at(out, i), expected, function.name(), i);
          assertBits(at(v, i), values[i], "value", i);
        }
        assertGuard(out, RowLayout.padded(n));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "27, 0.01", "45, 4", "64, 1000", "130, 1e6"})
  void productsCarriesAndBlendsFollowTheirFormulas(int n, float scale) {
    Random random = new Random(n);
    float[] left = random(n, 1, random);
    float[] right = random(n, scale, random);
    float[] value = random(n, 1, random);
    float[] before = random(n, 1, random);
    left[n / 2] = 1e-20f;
    right[n / 2] = 1e-20f;
    special(before, random);
    MemorySegment product = guardedCopy(left);
    backend.cells().multiply(n, product, padded(right), product);
    MemorySegment sum = guardedCopy(before);
    backend.cells().addProduct(n, padded(left), padded(right), sum);
    MemorySegment carried = guardedCopy(before);
    backend.cells().carry(n, padded(left), padded(value), padded(right), carried);
    MemorySegment blended = guardedCopy(before);
    backend.cells().blend(n, padded(left), padded(right), blended);
    for (int i = 0; i < n; i++) {
      assertBits(at(product, i), Elementary.flush(left[i] * right[i]), "product", i);
      assertBits(at(sum, i), Math.fma(left[i], right[i], before[i]), "sum", i);
      float added = value[i] * right[i];
      float memory = Elementary.flush(Math.fma(left[i], before[i], added));
      assertBits(at(carried, i), memory, "carried", i);
      assertBits(at(blended, i), blend(left[i], right[i], before[i]), "blended", i);
    }
    assertPaddingAndGuard(product, n);
    assertPaddingAndGuard(sum, n);
    assertPaddingAndGuard(carried, n);
    assertPaddingAndGuard(blended, n);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 300", "27, 5", "32, 0.1", "33, 80", "100, 3"})
  void softmaxFollowsItsFormula(int n, float scale) {
    Random random = new Random(n);
    MemorySegment sums = padded(random(n, scale, random));
    MemorySegment bias = padded(random(n, 1, random));
    MemorySegment out = guarded(RowLayout.padded(n));
    backend.cells().softmax(n, sums, bias, out);
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, at(sums, i) + at(bias, i));
    }
    float[] e = new float[RowLayout.padded(n)];
    float[] partial = new float[32];
    for (int i = 0; i < n; i++) {
      e[i] = Elementary.exp((at(sums, i) + at(bias, i)) - max);
      partial[i % 32] += e[i];
    }
    float sum = tree(partial);
    for (int i = 0; i < n; i++) {
      assertBits(at(out, i), e[i] / sum, "softmax", i);
    }
    assertPaddingAndGuard(out, n);
  }

  private static float blend(float z, float c, float before) {
    return Elementary.flush(Math.fma(z, c - before, before));
  }

  private static float tree(float[] p) {
    for (int half = 16; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) {
        p[l] = p[l] + p[l + half];
      }
    }
    return p[0];
  }

  private void assertSums(
      ActiveSet set,
      int from,
      int to,
      List<DenseMatrix> matrices,
      MemorySegment vector,
      MemorySegment sums,
      int stride) {
    for (int k = 0; k < matrices.size(); k++) {
      DenseMatrix m = matrices.get(k);
      float[] expected = new float[stride];
      Arrays.fill(expected, GUARD);
      for (int position = from; position < to; position++) {
        float[] partial = new float[32];
        int row = set.at(position);
        for (int i = 0; i < m.columns(); i++) {
          partial[i % 32] = Math.fma(m.at(row, i), at(vector, i), partial[i % 32]);
        }
        // Zero padding can turn a partial sum of -0 into +0.
        for (int i = m.columns(); i < RowLayout.padded(m.columns()); i++) {
          partial[i % 32] = Math.fma(0f, 0f, partial[i % 32]);
        }
        expected[row] = tree(partial);
      }
      for (int i = 0; i < stride; i++) {
        assertBits(at(sums, k * stride + i), expected[i], "row kind " + k + " group", i);
      }
    }
    assertGuard(sums, matrices.size() * stride);
  }

  private static void assertChains(
      ActiveSet set,
      int units,
      List<DenseMatrix> matrices,
      MemorySegment vector,
      MemorySegment sums,
      PackedRows rows) {
    int stride = rows.layout().sumStride();
    for (int k = 0; k < matrices.size(); k++) {
      DenseMatrix m = matrices.get(k);
      float[] expected = new float[stride];
      Arrays.fill(expected, GUARD);
      for (int position = 0; position < set.count(); position++) {
        for (int unit = set.at(position) * units; unit < (set.at(position) + 1) * units; unit++) {
          float sum = 0;
          for (int i = 0; i < m.columns(); i++) {
            sum = Math.fma(m.at(unit, i), at(vector, i), sum);
          }
          expected[unit] = sum;
        }
      }
      for (int i = 0; i < stride; i++) {
        assertBits(at(sums, k * stride + i), expected[i], "row kind " + k + " unit", i);
      }
    }
    assertGuard(sums, rows.layout().sumFloats(matrices.size()));
  }

  private static void assertBits(float actual, float expected, String what, int index) {
    assertThat(Float.floatToRawIntBits(actual))
        .as("%s %d: %s, expected %s", what, index, actual, expected)
        .isEqualTo(Float.floatToRawIntBits(expected));
  }

  private static void assertPaddingAndGuard(MemorySegment values, int n) {
    for (int i = n; i < RowLayout.padded(n); i++) {
      assertBits(at(values, i), 0f, "padding", i);
    }
    assertGuard(values, RowLayout.padded(n));
  }

  private static void assertGuard(MemorySegment values, int length) {
    for (int i = length; i < length + 32; i++) {
      assertBits(at(values, i), GUARD, "guard", i);
    }
  }

  private static float at(MemorySegment values, int index) {
    return values.getAtIndex(JAVA_FLOAT, index);
  }

  private MemorySegment guarded(int length) {
    MemorySegment segment = arena.allocate(4L * (length + 32), 64);
    for (int i = 0; i < length + 32; i++) {
      segment.setAtIndex(JAVA_FLOAT, i, GUARD);
    }
    return segment;
  }

  private MemorySegment guardedCopy(float[] values) {
    MemorySegment segment = guarded(RowLayout.padded(values.length));
    MemorySegment.copy(values, 0, segment, JAVA_FLOAT, 0, values.length);
    fillPadding(segment, values.length);
    return segment;
  }

  private static void fillPadding(MemorySegment segment, int n) {
    for (int i = n; i < RowLayout.padded(n); i++) {
      segment.setAtIndex(JAVA_FLOAT, i, 0f);
    }
  }

  private MemorySegment padded(float[] values) {
    MemorySegment segment = arena.allocate(4L * RowLayout.padded(values.length), 64);
    MemorySegment.copy(values, 0, segment, JAVA_FLOAT, 0, values.length);
    return segment;
  }

  private MemorySegment rowsOf(int rows, int n, float scale, Random random) {
    int stride = RowLayout.padded(n);
    MemorySegment segment = arena.allocate(4L * rows * stride, 64);
    for (int row = 0; row < rows; row++) {
      MemorySegment.copy(random(n, scale, random), 0, segment, JAVA_FLOAT, 4L * row * stride, n);
    }
    return segment;
  }

  /** A copy the kernel may overwrite. */
  private MemorySegment overwritable(MemorySegment values) {
    return arena.allocate(values.byteSize(), 64).copyFrom(values);
  }

  private ActiveSet all(int groups) {
    return ActiveSet.all(groups, arena);
  }

  private ActiveSet every(int step, int groups) {
    ActiveSet set = new ActiveSet(groups, arena);
    set.set(IntStream.range(0, groups).filter(i -> i % step == 0).toArray());
    return set;
  }

  private ActiveSet none(int groups) {
    return new ActiveSet(groups, arena);
  }

  private static List<DenseMatrix> matrices(int count, int rows, int columns, Random random) {
    List<DenseMatrix> matrices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      matrices.add(matrix(rows, columns, random));
    }
    return matrices;
  }

  private static DenseMatrix matrix(int rows, int columns, Random random) {
    return new DenseMatrix(rows, columns, random(rows * columns, 1, random));
  }

  private static float[] random(int length, float scale, Random random) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = scale * (2 * random.nextFloat() - 1);
    }
    return values;
  }

  /**
   * States that test the flush: zeros of both signs, denormals, and both sides of the threshold.
   */
  private static void special(float[] state, Random random) {
    for (float value : new float[] {-0f, 0f, 1e-31f, -1e-31f, 1.1e-30f, Float.MIN_VALUE, 1f, -1f}) {
      state[random.nextInt(state.length)] = value;
    }
  }
}

package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.ComposedCells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every backend's cells promise, bit for bit: against the formulas, which are written out here
 * once more, and against the composition of vector operations. Memory lies between guard zones, the
 * padding of sums and biases holds numbers that would show, and scratch is NaN.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class CellsContract {
  private static final int[] LENGTHS = {1, 5, 16, 27, 31, 32, 33, 45, 64, 130};
  private static final float[] SCALES = {1e-30f, 0.01f, 1, 4, 1000, 1e6f};
  private static final float POISON = 4321.5f;

  private final Backend backend;
  private Arena arena;
  private GuardedMemory memory;

  protected CellsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void open() {
    RequiredBackend.check(backend);
    arena = Arena.ofConfined();
    memory = new GuardedMemory(arena);
  }

  @AfterEach
  void close() {
    if (arena != null) {
      memory.assertIntact();
      arena.close();
    }
  }

  /**
   * A cell over inputs of several rows each.
   *
   * @param rows rows of each input
   * @param in {@code in[k][row * n + i]} in the formula
   */
  private record Cell(List<Integer> rows, Call call, Formula formula) {
    interface Call {
      void run(Cells cells, int n, MemorySegment[] in, MemorySegment scratch, MemorySegment state);
    }

    interface Formula {
      float of(float[][] in, int n, int i, float before);
    }
  }

  private static Arguments cell(
      String name, List<Integer> rows, Cell.Call call, Cell.Formula formula) {
    return argumentSet(name, new Cell(rows, call, formula));
  }

  static Stream<Arguments> cells() {
    return Stream.of(
        cell(
            "preactivate",
            List.of(1, 1, 1),
            (c, n, v, scratch, out) -> c.preactivate(n, v[0], v[1], v[2], out),
            (v, n, i, before) -> preactivation(v[0], v[1], v[2], i)),
        cell(
            "conditionalGru",
            List.of(1, 2, 2, 2),
            (c, n, v, scratch, h) -> c.conditionalGru(n, v[0], v[1], v[2], v[3], scratch, h),
            (v, n, i, before) -> {
              if (!(v[0][i] > 0)) {
                return before;
              }
              float r = Elementary.sigmoid(preactivation(v[1], v[2], v[3], i));
              return blend(v[0][i], candidate(r, v[1], v[2], v[3], n + i), before);
            }),
        cell(
            "gru",
            List.of(3, 3, 3),
            (c, n, v, scratch, h) -> c.gru(n, v[0], v[1], v[2], scratch, h),
            (v, n, i, before) -> {
              float z = Elementary.sigmoid(preactivation(v[0], v[1], v[2], i));
              float r = Elementary.sigmoid(preactivation(v[0], v[1], v[2], n + i));
              return blend(z, candidate(r, v[0], v[1], v[2], 2 * n + i), before);
            }),
        cell(
            "biasedGru",
            List.of(3, 3, 3, 1),
            (c, n, v, scratch, h) -> c.biasedGru(n, v[0], v[1], v[2], v[3], scratch, h),
            (v, n, i, before) -> {
              float z = Elementary.sigmoid(preactivation(v[0], v[1], v[2], i));
              float r = Elementary.sigmoid(preactivation(v[0], v[1], v[2], n + i));
              int at = 2 * n + i;
              float sum = Math.fma(r, v[1][at] + v[3][i], v[0][at]);
              return blend(z, Elementary.tanh(sum + v[2][at]), before);
            }),
        cell(
            "blend",
            List.of(1, 1),
            (c, n, v, scratch, h) -> c.blend(n, v[0], v[1], scratch, h),
            (v, n, i, before) -> blend(v[0][i], v[1][i], before)),
        cell(
            "carry",
            List.of(1, 1, 1),
            (c, n, v, scratch, m) -> c.carry(n, v[0], v[1], v[2], scratch, m),
            (v, n, i, before) -> flush(Math.fma(v[0][i], before, v[1][i] * v[2][i]))));
  }

  private static float preactivation(float[] x, float[] h, float[] bias, int i) {
    return (x[i] + h[i]) + bias[i];
  }

  private static float candidate(float r, float[] x, float[] h, float[] bias, int i) {
    return Elementary.tanh(Math.fma(r, h[i], x[i]) + bias[i]);
  }

  private static float blend(float z, float c, float before) {
    return flush(Math.fma(z, c - before, before));
  }

  private static float flush(float value) {
    return value < 1e-30f && value > -1e-30f ? 0f : value;
  }

  /**
   * Inputs stay as they are, a state's padding +0. What is below the magnitude of a flush, and -0,
   * becomes +0 only where a formula says so.
   */
  @ParameterizedTest
  @MethodSource("cells")
  void aCellHasTheBitsOfItsFormulaAndOfItsComposition(Cell cell) {
    List<Cells> all =
        List.of(
            backend.cells(),
            new ComposedCells(backend.vectors()),
            new ComposedCells(BackendRegistry.require("reference").vectors()));
    for (int n : LENGTHS) {
      for (float scale : SCALES) {
        SplittableRandom random = new SplittableRandom(31L * n);
        float[][] in = new float[cell.rows().size()][];
        for (int k = 0; k < in.length; k++) {
          in[k] = VectorOpsContract.values(cell.rows().get(k) * n, scale, random);
        }
        float[] before = VectorOpsContract.values(n, 1, random);
        float[] expected = new float[Lanes.padded(n)];
        for (int i = 0; i < n; i++) {
          expected[i] = cell.formula().of(in, n, i, before[i]);
        }
        for (int which = 0; which < all.size(); which++) {
          check(cell, all.get(which), n, in, before, expected, "cells " + which);
        }
      }
    }
  }

  private void check(
      Cell cell,
      Cells cells,
      int n,
      float[][] values,
      float[] before,
      float[] expected,
      String what) {
    // With +0 in all padding the state's stays +0; with other numbers the first n are the same.
    for (float padding : new float[] {0f, POISON}) {
      MemorySegment[] in = new MemorySegment[values.length];
      float[][] held = new float[values.length][];
      for (int k = 0; k < in.length; k++) {
        int rows = cell.rows().get(k);
        in[k] = Lanes.floats(rows, n, memory);
        Bits.fill(in[k], padding);
        for (int row = 0; row < rows; row++) {
          float[] one = Arrays.copyOfRange(values[k], row * n, (row + 1) * n);
          Bits.put(in[k].asSlice(4L * row * Lanes.padded(n)), one);
        }
        held[k] = Bits.floats(in[k], rows * Lanes.padded(n));
      }
      MemorySegment scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      for (int row = 0; row < Cells.SCRATCH_ROWS; row++) {
        for (int i = 0; i < Lanes.padded(n); i++) {
          float anything = i < n ? Float.NaN : padding;
          scratch.setAtIndex(JAVA_FLOAT, (long) row * Lanes.padded(n) + i, anything);
        }
      }
      MemorySegment state = Lanes.floats(n, memory);
      Bits.fill(state, padding);
      Bits.put(state, before);
      cell.call().run(cells, n, in, scratch, state);
      float[] right = padding == 0 ? expected : Arrays.copyOf(expected, n);
      Bits.assertEqual(state, right, "%s, n %d, padding %s", what, n, padding);
      for (int k = 0; k < in.length; k++) {
        Bits.assertEqual(in[k], held[k], "input %d, %s, n %d", k, what, n);
      }
    }
  }

  /** Into the sums over the input, and into those over the state. */
  @ParameterizedTest
  @MethodSource("lengths")
  void aPreactivationMayReplaceItsSums(int n) {
    SplittableRandom random = new SplittableRandom(n);
    for (int place = 0; place < 2; place++) {
      float[][] values = new float[3][];
      MemorySegment[] in = new MemorySegment[3];
      for (int k = 0; k < 3; k++) {
        values[k] = VectorOpsContract.values(n, 1, random);
        in[k] = Lanes.floats(n, memory);
        Bits.put(in[k], values[k]);
      }
      backend.cells().preactivate(n, in[0], in[1], in[2], in[place]);
      float[] expected = Bits.floats(n, i -> preactivation(values[0], values[1], values[2], i));
      Bits.assertEqual(in[place], expected, "output %d", place);
      Bits.assertEqual(in[1 - place], values[1 - place], "the other sums");
      Bits.assertEqual(in[2], values[2], "bias");
    }
  }

  static int[] lengths() {
    return LENGTHS;
  }

  /** A gate is positive exactly where its score is: the threshold, then tanh. */
  @ParameterizedTest
  @MethodSource("lengths")
  void aGateIsPositiveExactlyWhereItsScoreIs(int n) {
    for (float scale : SCALES) {
      float[] scores = VectorOpsContract.values(n, scale, new SplittableRandom(n));
      MemorySegment z = Lanes.floats(n, memory);
      Bits.put(z, scores);
      VectorOps ops = backend.vectors();
      ops.apply(Pointwise.THRESHOLD, 0, 0, n, z, z);
      ops.apply(Pointwise.TANH, 0, 0, n, z, z);
      float[] expected = new float[Lanes.padded(n)];
      for (int i = 0; i < n; i++) {
        expected[i] = scores[i] > 0 ? Elementary.tanh(scores[i]) : 0f;
        if (expected[i] > 0 != scores[i] > 0) {
          throw new AssertionError("tanh of %s is %s".formatted(scores[i], expected[i]));
        }
      }
      Bits.assertEqual(z, expected, "gate");
    }
  }
}

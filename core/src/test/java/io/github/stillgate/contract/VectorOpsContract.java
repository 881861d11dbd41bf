package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pairwise;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every backend's vector operations promise, bit for bit, against their formulas. Memory lies
 * between guard zones, and padding holds numbers that would show in a result.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class VectorOpsContract {
  private static final int[] LENGTHS = {1, 2, 15, 16, 17, 27, 31, 32, 33, 45, 64, 100, 130, 257};

  private static final float POISON = 4321.5f;

  private final Backend backend;
  private Arena arena;
  private GuardedMemory memory;

  protected VectorOpsContract(Backend backend) {
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

  /** An operation whose element i depends on element i of its inputs. */
  private record Elementwise(int inputs, Call call, Formula formula) {
    interface Call {
      void run(VectorOps ops, int n, MemorySegment[] in, MemorySegment out);
    }

    interface Formula {
      float of(float[] in);
    }
  }

  private static Arguments op(
      String name, int inputs, Elementwise.Call call, Elementwise.Formula formula) {
    return argumentSet(name, new Elementwise(inputs, call, formula));
  }

  static Stream<Arguments> elementwise() {
    List<Arguments> all = new ArrayList<>();
    all.add(op("add", 2, (o, n, v, out) -> o.add(n, v[0], v[1], out), v -> v[0] + v[1]));
    all.add(op("subtract", 2, (o, n, v, out) -> o.subtract(n, v[0], v[1], out), v -> v[0] - v[1]));
    all.add(op("multiply", 2, (o, n, v, out) -> o.multiply(n, v[0], v[1], out), v -> v[0] * v[1]));
    all.add(
        op(
            "multiplyAdd",
            3,
            (o, n, v, out) -> o.multiplyAdd(n, v[0], v[1], v[2], out),
            v -> Math.fma(v[0], v[1], v[2])));
    all.add(
        op(
            "choose",
            3,
            (o, n, v, out) -> o.choose(n, v[0], v[1], v[2], out),
            v -> v[0] > 0 ? v[1] : v[2]));
    all.add(
        op(
            "flush",
            1,
            (o, n, v, out) -> o.flush(n, v[0], out),
            v -> v[0] < 1e-30f && v[0] > -1e-30f ? 0f : v[0]));
    for (Pairwise function : Pairwise.values()) {
      all.add(
          op(
              function.name(),
              2,
              (o, n, v, out) -> o.combine(function, n, v[0], v[1], out),
              v -> function.of(v[0], v[1])));
    }
    for (Pointwise function : Pointwise.values()) {
      for (float[] c : new float[][] {{0.3f, 0.7f}, {-1f, 1f}, {0f, Float.MAX_VALUE / 8}}) {
        all.add(
            op(
                function + " " + c[0] + " " + c[1],
                1,
                (o, n, v, out) -> o.apply(function, c[0], c[1], n, v[0], out),
                v -> function.of(v[0], c[0], c[1])));
      }
    }
    return all.stream();
  }

  /**
   * The output apart, in place of each input, and all inputs the same memory. Only {@code flush}
   * turns small numbers and -0 into +0.
   */
  @ParameterizedTest
  @MethodSource("elementwise")
  void elementsFollowTheFormulaWhereverTheOutputIs(Elementwise op) {
    for (int n : LENGTHS) {
      for (float scale : new float[] {1e-30f, 0.01f, 1, 1e6f}) {
        SplittableRandom random = new SplittableRandom(n);
        for (int place = -1; place <= op.inputs(); place++) {
          boolean same = place == op.inputs();
          MemorySegment[] in = new MemorySegment[op.inputs()];
          float[][] values = new float[op.inputs()][];
          for (int k = 0; k < in.length; k++) {
            values[k] = same && k > 0 ? values[0] : values(n, scale, random);
            in[k] = same && k > 0 ? in[0] : vector(values[k]);
          }
          MemorySegment out = place < 0 ? vector(values(n, 1, random)) : in[same ? 0 : place];
          op.call().run(backend.vectors(), n, in, out);
          float[] expected = new float[n];
          for (int i = 0; i < n; i++) {
            float[] arguments = new float[in.length];
            for (int k = 0; k < in.length; k++) {
              arguments[k] = values[k][i];
            }
            expected[i] = op.formula().of(arguments);
          }
          Bits.assertEqual(out, expected, "n %d, scale %s, output %d", n, scale, place);
          for (int k = 0; k < in.length; k++) {
            if (in[k] != out) {
              Bits.assertEqual(in[k], values[k], "input %d of n %d, output %d", k, n, place);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 257})
  void selectionFindsExactlyThePositiveScores(int n) {
    SplittableRandom random = new SplittableRandom(n);
    for (float padding : new float[] {1f, Float.POSITIVE_INFINITY, Float.NaN, -1f}) {
      for (float shift : new float[] {-2, 0, 2}) {
        float[] scores = values(n, 1, random);
        for (int i = 0; i < n; i++) {
          scores[i] += shift;
        }
        for (float special : new float[] {0f, -0f, Float.MIN_VALUE, Float.MAX_VALUE}) {
          scores[random.nextInt(n)] = special;
        }
        MemorySegment segment = Lanes.floats(n, memory);
        Bits.fill(segment, padding);
        Bits.put(segment, scores);
        ActiveSet set = new ActiveSet(n, memory);
        set.count(n);
        backend.vectors().selectPositive(n, segment, set);
        int[] expected = IntStream.range(0, n).filter(i -> scores[i] > 0).toArray();
        assertThat(IntStream.range(0, set.count()).map(set::at).toArray()).isEqualTo(expected);
        Bits.assertEqual(segment, scores, "scores");
      }
    }
  }

  /** -0 and small numbers too, to where they belong and nowhere else. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 45, 130})
  void valuesAreGatheredWhereTheyBelong(int count) {
    float[] values = values(2 * count, 1e-30f, new SplittableRandom(count));
    values[0] = -0f;
    MemorySegment from = vector(values);
    float[] expected = values(5 * count, 1, new SplittableRandom(count + 1));
    MemorySegment out = vector(expected);
    MemorySegment table = arena.allocate(4L * (4 + count + 1), Lanes.ALIGNMENT);
    int entry = 0;
    for (int[] range : new int[][] {{3 * count, count}, {1, 1}}) {
      table.setAtIndex(JAVA_INT, entry++, range[0]);
      table.setAtIndex(JAVA_INT, entry++, range[1]);
      for (int i = 0; i < range[1]; i++) {
        int position = (7 * i) % (2 * count);
        table.setAtIndex(JAVA_INT, entry++, position);
        expected[range[0] + i] = values[position];
      }
    }
    backend.vectors().gather(2, table, from, out);
    Bits.assertEqual(out, expected, "%d values", count);
    Bits.assertEqual(from, values, "what is read of %d values", count);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 1", "6, 2", "45, 9", "64, 16", "99, 33", "128, 64", "13, 4", "70, 32"})
  void oneValueIsSpreadOverABlock(int n, int blockUnits) {
    SplittableRandom random = new SplittableRandom(n);
    float[] values = values(Math.ceilDiv(n, blockUnits), 1, random);
    MemorySegment in = vector(values);
    MemorySegment out = vector(values(n, 1, random));
    backend.vectors().spread(n, blockUnits, in, out);
    float[] expected = Bits.floats(n, i -> values[i / blockUnits]);
    Bits.assertEqual(out, expected, "spread");
    Bits.assertEqual(in, values, "values");
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 300", "27, 5", "32, 0.1", "33, 80", "100, 3", "257, 1e6"})
  void softmaxFollowsItsFormula(int n, float scale) {
    float[] values = values(n, scale, new SplittableRandom(n));
    float max = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      max = Math.max(max, value);
    }
    float[] e = new float[Lanes.padded(n)];
    float[] partial = new float[32];
    for (int i = 0; i < n; i++) {
      e[i] = Elementary.exp(values[i] - max);
      partial[i % 32] += e[i];
    }
    for (int half = 16; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) {
        partial[l] = partial[l] + partial[l + half];
      }
    }
    // +0 in the padding as well.
    float[] expected = Bits.floats(e.length, i -> e[i] / partial[0]);
    MemorySegment in = vector(values);
    MemorySegment out = vector(new float[n]);
    backend.vectors().softmax(n, in, out);
    Bits.assertEqual(out, expected, "apart");
    Bits.assertEqual(in, values, "values");
    backend.vectors().softmax(n, in, in);
    Bits.assertEqual(in, expected, "in place");
  }

  /** A vector with poisoned padding. */
  private MemorySegment vector(float[] values) {
    MemorySegment vector = Lanes.floats(values.length, memory);
    for (long i = values.length; i < vector.byteSize() / 4; i++) {
      vector.setAtIndex(JAVA_FLOAT, i, POISON);
    }
    Bits.put(vector, values);
    return vector;
  }

  /**
   * Random numbers up to {@code scale}, some of them zeros of both signs, denormals, or on either
   * side of the magnitude at which a flush begins.
   */
  static float[] values(int n, float scale, SplittableRandom random) {
    float[] special = {
      0f,
      -0f,
      1e-30f,
      -1e-30f,
      Math.nextDown(1e-30f),
      -Math.nextDown(1e-30f),
      1.1e-30f,
      -1e-31f,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      1f,
      -1f,
      0.625f,
      90f,
      -90f
    };
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] =
          random.nextInt(3) == 0
              ? special[random.nextInt(special.length)]
              : scale * (float) random.nextDouble(-1, 1);
    }
    return values;
  }
}

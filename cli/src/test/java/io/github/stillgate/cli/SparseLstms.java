package io.github.stillgate.cli;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Two LSTMs of 200 units with the structure that Lobacheva et al. (2020), table 1, report for words
 * (Bayes W+G+N): 52 units with 197 gates that are not constant, and 108 with 349. How the gates
 * fall on i, f, g and o is made up here.
 */
final class SparseLstms {
  static final int TOKENS = 40;
  static final int UNITS = 200;
  static final int[] KEPT = {52, 108};

  /** Of i, f, g and o, in units that are kept. */
  static final int[][] GATES = {{50, 47, 48, 52}, {70, 81, 90, 108}};

  private static final int WIDTH = 60;
  private static final int READ_COMPONENTS = 57;
  private static final String[] LETTERS = {"i", "f", "g", "o"};

  private final Random random = new Random(2020);

  /** Those of 60 components of the embedding that are read. */
  private final List<Integer> components = some(WIDTH, READ_COMPONENTS);

  private final List<Integer> first = some(UNITS, KEPT[0]);
  private final List<Integer> second = some(UNITS, KEPT[1]);

  private SparseLstms() {}

  static Model words() {
    return new SparseLstms().model();
  }

  private Model model() {
    List<Integer> all = IntStream.range(0, TOKENS).boxed().toList();
    float[] table = new float[TOKENS * WIDTH];
    for (int i = 0; i < table.length; i++) {
      table[i] = (float) random.nextGaussian();
    }
    return new Model(
        List.of(
            new Embedding("emb", Matrix.of("E", TOKENS, WIDTH, table)),
            lstm("rnn0", WIDTH, components, first, GATES[0]),
            lstm("rnn1", UNITS, first, second, GATES[1]),
            new Dense(
                "out", matrix(TOKENS, UNITS, all, second), vector(TOKENS), Activation.SOFTMAX)));
  }

  private List<Integer> some(int of, int count) {
    List<Integer> all = new ArrayList<>(IntStream.range(0, of).boxed().toList());
    Collections.shuffle(all, random);
    return all.subList(0, count).stream().sorted().toList();
  }

  private Lstm lstm(String name, int inputs, List<Integer> read, List<Integer> units, int[] gates) {
    Sums[] sums = new Sums[4];
    for (int kind = 0; kind < 4; kind++) {
      List<Integer> moving = gates[kind] == units.size() ? units : units.subList(0, gates[kind]);
      float[] w = new float[UNITS * inputs];
      float[] u = new float[UNITS * UNITS];
      for (int unit = 0; unit < UNITS; unit++) {
        boolean kept = units.contains(unit);
        if (!kept || moving.contains(unit)) {
          for (int column : read) {
            w[unit * inputs + column] = weight();
          }
          for (int column : units) {
            u[unit * UNITS + column] = weight();
          }
          // Some row reads whatever is to be read; the others read what chance will have it.
          if (kept) {
            w[unit * inputs + read.get(units.indexOf(unit) % read.size())] = 0.25f;
          }
        } else {
          w[unit * inputs] = -0f;
        }
        if (!kept && inputs == UNITS) {
          // Read by a unit that goes, so that there is something to find in a second round.
          w[unit * inputs + unit] = first.contains(unit) ? 0 : 0.5f;
        }
      }
      sums[kind] =
          new Sums(
              Matrix.of(name + ".W" + LETTERS[kind], UNITS, inputs, w),
              Matrix.of(name + ".U" + LETTERS[kind], UNITS, UNITS, u),
              vector(UNITS));
    }
    return Lstm.named(name).input(sums[0]).forget(sums[1]).cell(sums[2]).output(sums[3]).build();
  }

  private Matrix matrix(int rows, int columns, List<Integer> places, List<Integer> read) {
    float[] values = new float[rows * columns];
    for (int row : places) {
      for (int column : read) {
        values[row * columns + column] = weight();
      }
    }
    for (int at = 0; at < read.size(); at++) {
      values[at % rows * columns + read.get(at)] = 0.25f;
    }
    return Matrix.of("W", rows, columns, values);
  }

  private Matrix vector(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian() / 4;
    }
    return Matrix.vector("b", values);
  }

  /** About half are 0, as within the structures that the paper's networks keep. */
  private float weight() {
    return random.nextBoolean() ? 0 : (float) random.nextGaussian() / 8;
  }
}

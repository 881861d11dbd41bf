package io.github.stillgate.bench.paper.gru;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The full GRU over a BLAS: one product a layer over the state and, after the first layer, one over
 * the input, all three gates side by side; the rest by our fastest cells. Units are a multiple of
 * 32.
 */
final class BlasDenseGru implements DenseGru {
  private final String name;
  private final Blas blas;
  private final VectorOps ops;
  private final Cells cells;
  private final Arena memory = Arena.ofShared();
  private final int units;
  private final int streams;
  private final List<Layer> layers = new ArrayList<>();
  private final MemorySegment[] tokens;
  private final MemorySegment stateSums;
  private final MemorySegment inputSums;
  private final MemorySegment scratch;
  private final Output output;

  BlasDenseGru(Model gru, String library, int streams) {
    Backend fastest = BackendRegistry.usable().getFirst();
    this.name = library;
    this.blas = BlasLibraries.open(library);
    this.ops = fastest.vectors();
    this.cells = fastest.cells();
    this.streams = streams;
    List<Gru> model = DenseGru.layers(gru);
    this.units = model.getFirst().outputs();
    if (units % Lanes.COUNT != 0) {
      throw new IllegalArgumentException(units + " units are not a multiple of " + Lanes.COUNT);
    }
    for (Gru layer : model) {
      layers.add(new Layer(layer, layers.isEmpty()));
    }
    Gru first = model.getFirst();
    this.tokens = columns(first.z().w(), first.r().w(), first.c().w());
    this.stateSums = Lanes.floats(3 * units * streams, memory);
    this.inputSums = Lanes.floats(3 * units * streams, memory);
    this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, units, memory);
    this.output = new Output(DenseGru.output(gru));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void step(int[] inputs) {
    long bytes = 12L * units;
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      multiply(3 * units, layer.u, layer.h, stateSums);
      if (i > 0) {
        multiply(3 * units, layer.w, layers.get(i - 1).h, inputSums);
      }
      for (int s = 0; s < streams; s++) {
        MemorySegment x = i == 0 ? tokens[inputs[s]] : inputSums.asSlice(bytes * s, bytes);
        MemorySegment h = stateSums.asSlice(bytes * s, bytes);
        cells.gru(units, x, h, layer.bias, scratch, layer.states[s]);
      }
    }
    output.step(layers.getLast().h);
  }

  private void multiply(int rows, MemorySegment matrix, MemorySegment x, MemorySegment sums) {
    if (streams == 1) {
      blas.sgemv(rows, units, matrix, x, sums);
    } else {
      blas.sgemm(streams, rows, units, x, matrix, sums);
    }
  }

  @Override
  public int likeliest(int stream) {
    return DenseGru.likeliest(output.probabilities(stream));
  }

  @Override
  public void close() {
    memory.close();
  }

  private static void copy(Matrix from, MemorySegment to, long at) {
    float[] values = from.toArray();
    MemorySegment.copy(values, 0, to, JAVA_FLOAT, 4 * at, values.length);
  }

  private MemorySegment stack(Matrix z, Matrix r, Matrix c) {
    MemorySegment stacked = PackMemory.allocate(12L * units * z.columns(), memory);
    copy(z, stacked, 0);
    copy(r, stacked, (long) units * z.columns());
    copy(c, stacked, 2L * units * z.columns());
    return stacked;
  }

  /** The sums over the input of each token: a column of each matrix, one after the other. */
  private MemorySegment[] columns(Matrix z, Matrix r, Matrix c) {
    MemorySegment[] columns = new MemorySegment[z.columns()];
    for (int token = 0; token < columns.length; token++) {
      columns[token] = Lanes.floats(3 * units, memory);
      for (int i = 0; i < units; i++) {
        columns[token].setAtIndex(JAVA_FLOAT, i, z.at(i, token));
        columns[token].setAtIndex(JAVA_FLOAT, (long) units + i, r.at(i, token));
        columns[token].setAtIndex(JAVA_FLOAT, 2L * units + i, c.at(i, token));
      }
    }
    return columns;
  }

  /** One GRU layer: matrices of the gates one below the other, and the states of all streams. */
  private final class Layer {
    private final MemorySegment u;
    private final MemorySegment w;
    private final MemorySegment bias;
    private final MemorySegment h;
    private final MemorySegment[] states;

    Layer(Gru gru, boolean readsTokens) {
      this.u = stack(gru.z().u(), gru.r().u(), gru.c().u());
      this.w = readsTokens ? MemorySegment.NULL : stack(gru.z().w(), gru.r().w(), gru.c().w());
      this.bias = Lanes.floats(3 * units, memory);
      copy(gru.z().b(), bias, 0);
      copy(gru.r().b(), bias, units);
      copy(gru.c().b(), bias, 2L * units);
      this.h = Lanes.floats(streams * units, memory);
      this.states = new MemorySegment[streams];
      for (int s = 0; s < streams; s++) {
        states[s] = h.asSlice(4L * s * units, 4L * units);
      }
    }
  }

  /** The output layer; zero rows fill it up to whole vectors. */
  private final class Output {
    private final int width;
    private final int stride;
    private final MemorySegment weights;
    private final MemorySegment bias;
    private final MemorySegment sums;
    private final float[] values;

    Output(Dense dense) {
      this.width = dense.outputs();
      this.stride = Lanes.padded(width);
      this.weights = Lanes.floats(stride * units, memory);
      copy(dense.w(), weights, 0);
      this.bias = Lanes.floats(width, memory);
      copy(dense.b(), bias, 0);
      this.sums = Lanes.floats(streams * stride, memory);
      this.values = new float[width];
    }

    void step(MemorySegment h) {
      multiply(stride, weights, h, sums);
      for (int s = 0; s < streams; s++) {
        MemorySegment of = sums.asSlice(4L * stride * s, 4L * stride);
        ops.add(width, of, bias, of);
        ops.softmax(width, of, of);
      }
    }

    float[] probabilities(int stream) {
      MemorySegment.copy(sums, JAVA_FLOAT, 4L * stride * stream, values, 0, width);
      return values;
    }
  }
}

package io.github.stillgate.bench.paper;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.PackedColumns;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What dense implementations for many streams share: the state of two GRU layers, biases, token
 * columns, and the elementwise end of a step. The products are theirs. Units are a multiple of 32.
 */
final class GruLayers {
  final List<Gru> layers = new ArrayList<>();
  final Dense output;
  final int units;
  final int streams;
  final MemorySegment[] h;
  final PackedColumns tokens;
  private final MemorySegment[] biases;
  private final MemorySegment outputBias;
  private final MemorySegment[] probabilities;
  private final Cells cells;

  GruLayers(Model model, int streams, Cells cells, Arena memory) {
    this.streams = streams;
    this.cells = cells;
    for (int i = 0; i + 1 < model.layers().size(); i++) {
      layers.add((Gru) model.layers().get(i));
    }
    this.output = (Dense) model.layers().getLast();
    this.units = layers.get(0).outputs();
    if (units % 32 != 0) {
      throw new IllegalArgumentException(units + " units are not a multiple of 32");
    }
    this.h = new MemorySegment[layers.size()];
    this.biases = new MemorySegment[layers.size()];
    for (int i = 0; i < layers.size(); i++) {
      h[i] = memory.allocate(4L * streams * units, 64);
      biases[i] = memory.allocate(4L * 3 * units, 64);
      Gru gru = layers.get(i);
      copy(gru.z().b(), biases[i], 0);
      copy(gru.r().b(), biases[i], units);
      copy(gru.c().b(), biases[i], 2 * units);
    }
    Gru first = layers.get(0);
    this.tokens =
        new PackedColumns(
            List.of(first.z().w().toDense(), first.r().w().toDense(), first.c().w().toDense()),
            memory);
    int padded = (output.outputs() + 31) / 32 * 32;
    this.outputBias = memory.allocate(4L * padded, 64);
    copy(output.b(), outputBias, 0);
    this.probabilities = new MemorySegment[streams];
    for (int s = 0; s < streams; s++) {
      probabilities[s] = memory.allocate(4L * padded, 64);
    }
  }

  static void copy(Matrix from, MemorySegment to, long at) {
    float[] values = from.toArray();
    MemorySegment.copy(values, 0, to, JAVA_FLOAT, 4 * at, values.length);
  }

  MemorySegment h(int layer, int stream) {
    return h[layer].asSlice(4L * stream * units, 4L * units);
  }

  /** Sums over state and input of one stream, z, r, c one after the other, become its new state. */
  void finish(int layer, int stream, MemorySegment stateSums, MemorySegment inputSums) {
    cells.gru(units, stateSums, inputSums, biases[layer], h(layer, stream));
  }

  void output(int stream, MemorySegment sums) {
    cells.softmax(output.outputs(), sums, outputBias, probabilities[stream]);
  }

  int likeliest(int stream) {
    int best = 0;
    for (int i = 1; i < output.outputs(); i++) {
      if (probabilities[stream].getAtIndex(JAVA_FLOAT, i)
          > probabilities[stream].getAtIndex(JAVA_FLOAT, best)) {
        best = i;
      }
    }
    return best;
  }
}

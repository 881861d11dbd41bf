package io.github.stillgate.bench.paper;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Model;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The full GRU for many streams on our own block kernels with every block live: the fastest dense
 * product we have, so that skipping is not measured against a slower one.
 */
final class OwnDenseGruBatch implements DenseGru {
  private static final int BLOCK = 64;

  private final String name;
  private final Arena memory = Arena.ofShared();
  private final GruLayers net;
  private final PackedRows[] recurrent;
  private final PackedRows output;
  private final Batch[] batches;
  private final Batch outputBatch;
  private final ActiveSet blocks;
  private final ActiveSet one;
  private final MemorySegment[][] stateSums;
  private final MemorySegment[][] inputSums;
  private final MemorySegment[] outputSums;

  OwnDenseGruBatch(Model gru, Backend backend, int streams) {
    this.name = "stillgate " + backend.name();
    this.net = new GruLayers(gru, streams, backend.cells(), memory);
    int layers = net.layers.size();
    this.recurrent = new PackedRows[layers];
    this.batches = new Batch[layers];
    this.stateSums = new MemorySegment[layers][streams];
    this.inputSums = new MemorySegment[layers][streams];
    for (int i = 0; i < layers; i++) {
      Gru layer = net.layers.get(i);
      List<io.github.stillgate.core.kernel.DenseMatrix> input =
          i == 0
              ? List.of()
              : List.of(layer.z().w().toDense(), layer.r().w().toDense(), layer.c().w().toDense());
      recurrent[i] =
          backend.packRows(
              new RowGroups(
                  BLOCK,
                  List.of(
                      layer.z().u().toDense(), layer.r().u().toDense(), layer.c().u().toDense()),
                  input),
              memory);
      batches[i] = new Batch(streams, net.units / BLOCK, memory);
      for (int s = 0; s < streams; s++) {
        stateSums[i][s] = memory.allocate(4L * recurrent[i].layout().sumFloats(3), 64);
        inputSums[i][s] = memory.allocate(4L * recurrent[i].layout().sumFloats(3), 64);
      }
    }
    this.output =
        backend.packRows(
            new RowGroups(net.output.outputs(), List.of(net.output.w().toDense()), List.of()),
            memory);
    this.outputBatch = new Batch(streams, 1, memory);
    this.outputSums = new MemorySegment[streams];
    for (int s = 0; s < streams; s++) {
      outputSums[s] = memory.allocate(4L * output.layout().sumFloats(1), 64);
    }
    this.blocks = ActiveSet.all(net.units / BLOCK, memory);
    this.one = ActiveSet.all(1, memory);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void step(int[] tokens) {
    for (int i = 0; i < recurrent.length; i++) {
      batches[i].clear();
      for (int s = 0; s < net.streams; s++) {
        batches[i].add(
            blocks,
            net.h(i, s),
            stateSums[i][s],
            i == 0 ? null : net.h(i - 1, s),
            i == 0 ? null : inputSums[i][s]);
      }
      recurrent[i].multiply(batches[i]);
      for (int s = 0; s < net.streams; s++) {
        net.finish(i, s, stateSums[i][s], i == 0 ? net.tokens.sums(tokens[s]) : inputSums[i][s]);
      }
    }
    outputBatch.clear();
    for (int s = 0; s < net.streams; s++) {
      outputBatch.add(one, net.h(recurrent.length - 1, s), outputSums[s], null, null);
    }
    output.multiply(outputBatch);
    for (int s = 0; s < net.streams; s++) {
      net.output(s, outputSums[s]);
    }
  }

  @Override
  public int likeliest(int stream) {
    return net.likeliest(stream);
  }

  @Override
  public void close() {
    memory.close();
  }
}

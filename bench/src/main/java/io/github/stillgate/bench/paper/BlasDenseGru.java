package io.github.stillgate.bench.paper;

import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The full GRU over a BLAS: one product a layer over the state and, behind the first, one over the
 * input, all three gates side by side; the rest by our fastest cells.
 */
final class BlasDenseGru implements DenseGru {
  private final String name;
  private final Blas blas;
  private final Arena memory = Arena.ofShared();
  private final GruLayers net;
  private final MemorySegment[] u;
  private final MemorySegment[] w;
  private final MemorySegment outputWeights;
  private final MemorySegment stateSums;
  private final MemorySegment inputSums;
  private final MemorySegment outputSums;
  private final int outputStride;

  BlasDenseGru(Model gru, String library, int streams) {
    this.name = library;
    this.blas = BlasLibraries.open(library);
    this.net = new GruLayers(gru, streams, BackendRegistry.usable().getFirst().cells(), memory);
    int n = net.units;
    int layers = net.layers.size();
    this.u = new MemorySegment[layers];
    this.w = new MemorySegment[layers];
    for (int i = 0; i < layers; i++) {
      Gru layer = net.layers.get(i);
      u[i] = PackMemory.allocate(12L * n * n, memory);
      GruLayers.copy(layer.z().u(), u[i], 0);
      GruLayers.copy(layer.r().u(), u[i], (long) n * n);
      GruLayers.copy(layer.c().u(), u[i], 2L * n * n);
      w[i] = PackMemory.allocate(12L * n * n, memory);
      if (i > 0) {
        GruLayers.copy(layer.z().w(), w[i], 0);
        GruLayers.copy(layer.r().w(), w[i], (long) n * n);
        GruLayers.copy(layer.c().w(), w[i], 2L * n * n);
      }
    }
    // Zero rows fill the output layer up to whole vectors.
    this.outputStride = (net.output.outputs() + 31) / 32 * 32;
    this.outputWeights = memory.allocate(4L * outputStride * n, 64);
    GruLayers.copy(net.output.w(), outputWeights, 0);
    this.stateSums = memory.allocate(12L * n * streams, 64);
    this.inputSums = memory.allocate(12L * n * streams, 64);
    this.outputSums = memory.allocate(4L * outputStride * streams, 64);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void step(int[] tokens) {
    int n = net.units;
    for (int i = 0; i < u.length; i++) {
      multiply(3 * n, u[i], net.h[i], stateSums);
      if (i > 0) {
        multiply(3 * n, w[i], net.h[i - 1], inputSums);
      }
      for (int s = 0; s < net.streams; s++) {
        long at = 12L * n * s;
        net.finish(
            i,
            s,
            stateSums.asSlice(at, 12L * n),
            i == 0 ? net.tokens.sums(tokens[s]) : inputSums.asSlice(at, 12L * n));
      }
    }
    multiply(outputStride, outputWeights, net.h[u.length - 1], outputSums);
    for (int s = 0; s < net.streams; s++) {
      net.output(s, outputSums.asSlice(4L * outputStride * s, 4L * outputStride));
    }
  }

  private void multiply(int rows, MemorySegment matrix, MemorySegment x, MemorySegment sums) {
    if (net.streams == 1) {
      blas.sgemv(rows, net.units, matrix, x, sums);
    } else {
      blas.sgemm(net.streams, rows, net.units, x, matrix, sums);
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

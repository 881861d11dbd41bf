package io.github.stillgate.bench.network;

import io.github.stillgate.bench.step.AbsentException;
import io.github.stillgate.bench.step.Contender;
import io.github.stillgate.bench.step.Feed;
import io.github.stillgate.bench.step.Row;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.onnx.OnnxFile;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;

/** The ways to step one network: our backends, and ONNX Runtime. */
final class NetworkRows {
  /** The row that others are held against. */
  static final String PEER = "onnxruntime/f32";

  /** Ours that are timed. */
  static final List<String> BACKENDS = List.of("native", "vector");

  /** How far ONNX Runtime may be from us, and what its users ask for: 1,000 steps within 1e-3. */
  private static final double TOLERANCE = 1e-3;

  private final NetworkCase network;
  private final OnnxFile.Import read;

  NetworkRows(NetworkCase network, OnnxFile.Import read) {
    this.network = network;
    this.read = read;
  }

  /** All rows, here or not. */
  List<Row> all() {
    List<Row> rows = new ArrayList<>();
    for (String backend : BACKENDS) {
      rows.add(row(id(backend), () -> new OwnNetwork(model(), backend)));
    }
    rows.add(row(PEER, this::peer));
    return rows;
  }

  static String id(String backend) {
    return backend + "/f32";
  }

  private Row row(String id, java.util.function.Supplier<Contender> contender) {
    int width = graph().inputs().stream().mapToInt(Graph.Value::width).sum();
    return new Row(
        id,
        TOLERANCE,
        contender,
        () -> new OwnNetwork(model(), "reference"),
        () -> Feed.changing(width));
  }

  Model model() {
    return read.model();
  }

  private Graph graph() {
    return model().graph();
  }

  /** Values of all outputs. */
  int outputs() {
    return graph().outputs().stream().mapToInt(graph()::width).sum();
  }

  private Contender peer() {
    try {
      return (Contender)
          Class.forName("io.github.stillgate.bench.network.OnnxRuntimeNetwork")
              .getDeclaredConstructor(NetworkCase.class, OnnxFile.Import.class)
              .newInstance(network, read);
    } catch (ClassNotFoundException withoutProfile) {
      throw new AbsentException(
          "ONNX Runtime is not on the class path; STILLGATE_MAVEN_ARGS=-Ppeers brings it");
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("ONNX Runtime does not run", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("ONNX Runtime does not run", e);
    }
  }
}

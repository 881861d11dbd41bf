package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Reset;
import java.util.ArrayList;
import java.util.List;

/** A chain of GRU nodes; ONNX's update gate weighs the old state, so ours is negated. */
public final class OnnxGruGraph {
  private OnnxGruGraph() {}

  /**
   * The graph of one step: input {@code x} and states {@code h0, h1, ..} to {@code next0, next1,
   * ..}, each (1, batch, width).
   */
  public static OnnxMl.ModelProto of(List<? extends Layer> layers, int batch) {
    return OnnxParts.model(graph(layers, 1, batch, ""));
  }

  /**
   * The graph of a sequence of one stream: {@code x} is (steps, 1, width), {@code h0} and {@code
   * next0} are as above, and {@code y}, (steps, 1, 1, n), has the outputs of all steps.
   */
  public static OnnxMl.ModelProto ofSequence(Gru gru, int steps) {
    return OnnxParts.model(
        graph(List.of(gru), steps, 1, "y")
            .addOutput(OnnxParts.value("y", steps, 1, 1, gru.outputs())));
  }

  /**
   * The graph of one step of one stream with a softmax layer behind the chain: besides what {@link
   * #of} has, {@code y}, (1, 1, classes).
   *
   * @throws IllegalArgumentException if {@code output} has another activation
   */
  public static OnnxMl.ModelProto withSoftmax(List<? extends Layer> layers, Dense output) {
    if (output.activation() != Activation.SOFTMAX) {
      throw new IllegalArgumentException(
          "%s has the activation %s, not softmax".formatted(output.name(), output.activation()));
    }
    int classes = output.outputs();
    float[] rows = output.w().toArray();
    float[] columns = new float[rows.length];
    for (int i = 0; i < rows.length; i++) {
      columns[i % output.inputs() * classes + i / output.inputs()] = rows[i];
    }
    return OnnxParts.model(
        graph(layers, 1, 1, "")
            .addInitializer(
                OnnxParts.tensor("Wy", new long[] {output.inputs(), classes}, List.of(columns)))
            .addInitializer(
                OnnxParts.tensor("by", new long[] {classes}, List.of(output.b().toArray())))
            .addNode(node("MatMul", "sums", "next" + (layers.size() - 1), "Wy"))
            .addNode(node("Add", "logits", "sums", "by"))
            .addNode(node("Softmax", "y", "logits").addAttribute(OnnxParts.integer("axis", -1)))
            .addOutput(OnnxParts.value("y", 1, 1, classes)));
  }

  private static OnnxMl.NodeProto.Builder node(String operator, String output, String... inputs) {
    return OnnxMl.NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output);
  }

  /** More than one layer for a single step only: each reads the last state of the one before. */
  private static OnnxMl.GraphProto.Builder graph(
      List<? extends Layer> layers, int steps, int batch, String all) {
    OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder().setName("gru");
    String from = "x";
    graph.addInput(OnnxParts.value("x", steps, batch, layers.get(0).inputs()));
    for (int i = 0; i < layers.size(); i++) {
      Gru gru = (Gru) layers.get(i);
      long units = gru.outputs();
      Matrix none = Matrix.vector("none", new float[gru.outputs()]);
      graph.addInput(OnnxParts.value("h" + i, 1, batch, units));
      graph.addInitializer(
          tensor(
              "W" + i,
              new long[] {1, 3 * units, gru.inputs()},
              gru.z().w(),
              gru.r().w(),
              gru.c().w()));
      graph.addInitializer(
          tensor("R" + i, new long[] {1, 3 * units, units}, gru.z().u(), gru.r().u(), gru.c().u()));
      graph.addInitializer(
          tensor(
              "B" + i,
              new long[] {1, 6 * units},
              gru.z().b(),
              gru.r().b(),
              gru.c().b(),
              none,
              none,
              gru.reset() instanceof Reset.AfterMatrix after ? after.bh().orElse(none) : none));
      graph.addNode(
          OnnxMl.NodeProto.newBuilder()
              .setOpType("GRU")
              .addInput(from)
              .addInput("W" + i)
              .addInput("R" + i)
              .addInput("B" + i)
              .addInput("")
              .addInput("h" + i)
              .addOutput(all)
              .addOutput("next" + i)
              .addAttribute(OnnxParts.integer("hidden_size", units))
              .addAttribute(OnnxParts.integer("linear_before_reset", 1)));
      graph.addOutput(OnnxParts.value("next" + i, 1, batch, units));
      // (1, batch, n) is the last state and also the sequence of one step that the next layer
      // reads.
      from = "next" + i;
    }
    return graph;
  }

  /** The matrices one below the other, the first (the update gate's) negated. */
  private static OnnxMl.TensorProto tensor(String name, long[] shape, Matrix... matrices) {
    List<float[]> parts = new ArrayList<>();
    for (Matrix m : matrices) {
      parts.add(m.toArray());
    }
    float[] update = parts.getFirst();
    for (int i = 0; i < update.length; i++) {
      update[i] = -update[i];
    }
    return OnnxParts.tensor(name, shape, parts);
  }
}

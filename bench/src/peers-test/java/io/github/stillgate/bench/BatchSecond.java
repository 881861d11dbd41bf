package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.List;

/** The same graph without layout 1, which ONNX Runtime lacks: transposes stand around the node. */
final class BatchSecond {
  private static final List<Long> SWAP = List.of(1L, 0L, 2L);

  private BatchSecond() {}

  static ModelProto of(ModelProto model) {
    GraphProto.Builder graph = model.getGraph().toBuilder().clearNode();
    for (NodeProto node : model.getGraph().getNodeList()) {
      int layout = layout(node);
      if (layout < 0 || node.getAttribute(layout).getI() == 0) {
        graph.addNode(node);
      } else {
        addTransposed(graph, node.toBuilder().removeAttribute(layout));
      }
    }
    return model.toBuilder().setGraph(graph).build();
  }

  private static int layout(NodeProto node) {
    return node.getAttributeList().stream().map(AttributeProto::getName).toList().indexOf("layout");
  }

  private static void addTransposed(GraphProto.Builder graph, NodeProto.Builder node) {
    // X, initial_h and initial_c.
    for (int input : new int[] {0, 5, 6}) {
      if (input < node.getInputCount() && !node.getInput(input).isEmpty()) {
        String name = node.getInput(input);
        graph.addNode(transpose(name, name + "_swapped", SWAP));
        node.setInput(input, name + "_swapped");
      }
    }
    NodeProto.Builder inner = node.clone();
    for (int output = 0; output < node.getOutputCount(); output++) {
      inner.setOutput(output, node.getOutput(output) + "_swapped");
    }
    graph.addNode(inner);
    for (int output = 0; output < node.getOutputCount(); output++) {
      String name = node.getOutput(output);
      graph.addNode(
          transpose(name + "_swapped", name, output == 0 ? List.of(2L, 0L, 1L, 3L) : SWAP));
    }
  }

  private static NodeProto transpose(String from, String to, List<Long> order) {
    return NodeProto.newBuilder()
        .setOpType("Transpose")
        .addInput(from)
        .addOutput(to)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("perm")
                .setType(AttributeProto.AttributeType.INTS)
                .addAllInts(order))
        .build();
  }
}
